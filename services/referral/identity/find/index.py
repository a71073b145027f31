"""The blind index of search terms: a row for each referral whose person is here, and for each index key."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.referral.collections import TERMS, Source, session_of
from services.referral.identity.find.terms import terms_of
from services.referral.identity.person import StoredFields
from services.referral.identity.vault.entries import Entry, entry_id
from services.referral.identity.vault.keys import BlindIndex
from shared.delivery.mongo.database import Document, Transaction

# A search that meets more rows of the index than these names too many people.
MAX_CANDIDATES: Final = 500


class TooManyCandidates(Exception):
    """The search is not narrow enough."""


@dataclass(frozen=True, slots=True)
class Place:
    """The blind index of a locality, and the practices in it that may be searched."""

    index: BlindIndex
    practices: Sequence[str]


def term_rows(index: BlindIndex, entry: Entry, details: StoredFields) -> list[Document]:
    """A referral's rows, one for each key of the index."""
    whole = entry_id(entry.locality, entry.referral)
    return [
        {
            "_id": f"{whole}/{key}",
            "entry": whole,
            "person": entry.person,
            "locality": entry.locality,
            "key": key,
            # In no order from which it could be read which is which.
            "terms": sorted(digests),
        }
        for key, digests in index.terms_by_key(entry.practice, sorted(terms_of(details))).items()
    ]


async def insert_terms(tx: Transaction, index: BlindIndex, entry: Entry, details: StoredFields) -> None:
    """Makes the person of a new referral findable at its practice."""
    await tx[TERMS].insert_many(term_rows(index, entry, details), session=tx.session)


async def replace_terms(tx: Transaction, index: BlindIndex, entry: Entry, details: StoredFields) -> None:
    """Makes a referral's person findable by these details, and by no earlier ones.

    Rows of keys that this process has not would find by earlier details, and so go too. The caller notes it
    by `blind_index.note_change`, so that the next rotation writes them anew.
    """
    await tx[TERMS].delete_many({"entry": entry_id(entry.locality, entry.referral)}, session=tx.session)
    await insert_terms(tx, index, entry, details)


async def candidates(
    source: Source, places: Sequence[Place], criteria: Sequence[Collection[str]]
) -> list[str]:
    """The ids of entries whose rows have a term of each of the criteria, at any of these places.

    Raises:
        TooManyCandidates: there are more than MAX_CANDIDATES.
    """
    wanted = {"$and": [{"terms": {"$in": _digests(places, some)}} for some in criteria]}
    rows = source[TERMS].find(wanted, {"entry": 1, "_id": 0}, session=session_of(source))
    # Two rows of one referral may fit: each index key has one.
    keys = max((len(place.index.ids) for place in places), default=1)
    found = {row["entry"] async for row in rows.limit(MAX_CANDIDATES * keys + 1)}
    if len(found) > MAX_CANDIDATES:
        raise TooManyCandidates
    return sorted(found)


def _digests(places: Iterable[Place], terms: Iterable[str]) -> list[bytes]:
    wanted = sorted(terms)
    return [
        digest
        for place in places
        for practice in place.practices
        for digests in place.index.terms_by_key(practice, wanted).values()
        for digest in digests
    ]
