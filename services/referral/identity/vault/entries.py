"""The vault's entry of a referral: its person, its sensitive needs and its notes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from services.referral.collections import ENTRIES, NOTES, Source, session_of
from services.referral.identity.vault.keys import PersonKey
from services.referral.identity.vault.versions import FIRST, WrittenPerson
from shared.contract.api.referral import NoteKind
from shared.delivery.mongo.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class Entry:
    """A referral whose person is in this vault. `person` is an opaque reference, `sensitive` is sealed.

    The referral shows the `version` of the person's details.
    """

    locality: str
    referral: str
    person: str
    practice: str
    sensitive: bytes | None
    version: int


@dataclass(frozen=True, slots=True)
class Note:
    """Free text about a person. `text` is sealed and bound to the note."""

    id: str
    person: str
    kind: str
    text: bytes


def entry_id(locality: str, referral: str) -> str:
    """The id of a referral's entry."""
    return f"{locality}/{referral}"


async def insert_entry(
    tx: Transaction,
    written: WrittenPerson,
    locality: str,
    referral: str,
    practice: str,
    sensitive: Iterable[str],
    now: datetime,
) -> Entry:
    """Inserts a referral's entry with its person as `written` and its sensitive needs."""
    listed = " ".join(sensitive)
    row = {
        "_id": entry_id(locality, referral),
        "locality": locality,
        "referral": referral,
        "person": written.key.person,
        "version": written.version,
        "practice": practice,
        "at": now,
        "sensitive": written.key.seal(f"sensitive/{referral}", listed) if listed else None,
    }
    await tx[ENTRIES].insert_one(row, session=tx.session)
    return _entry(row)


async def show_version(tx: Transaction, entry: Entry, version: int) -> None:
    """Makes a referral show this version of its person's details from now on."""
    wanted = {"_id": entry_id(entry.locality, entry.referral)}
    await tx[ENTRIES].update_one(wanted, {"$set": {"version": version}}, session=tx.session)


async def entries(source: Source, locality: str, referrals: Collection[str]) -> dict[str, Entry]:
    """The entries of these referrals of a locality, by referral id."""
    wanted = [entry_id(locality, referral) for referral in referrals]
    found = source[ENTRIES].find({"_id": {"$in": wanted}}, session=session_of(source))
    return {row["referral"]: _entry(row) async for row in found}


async def entries_of_person(source: Source, person: str) -> list[Entry]:
    """The entries of a person's referrals."""
    found = source[ENTRIES].find({"person": person}, session=session_of(source))
    return [_entry(row) async for row in found]


async def has_people(source: Source, locality: str) -> bool:
    """True if the vault holds somebody of this locality."""
    wanted = {"_id": {"$gt": entry_id(locality, ""), "$lt": f"{locality}0"}}
    return await source[ENTRIES].find_one(wanted, {"_id": 1}, session=session_of(source)) is not None


def sensitive_needs(entry: Entry, key: PersonKey) -> list[str]:
    """The sensitive needs of a referral. Raises VaultLocked."""
    return key.open(f"sensitive/{entry.referral}", entry.sensitive).split() if entry.sensitive else []


async def insert_note(
    tx: Transaction,
    key: PersonKey,
    entry: tuple[str, str],
    note_id: str,
    kind: NoteKind,
    text: str,
    now: datetime,
    repeat: str | None = None,
) -> None:
    """Inserts a note of the (locality, referral) `entry`. `repeat` is unique: an idempotency key."""
    locality, referral = entry
    row = {
        "_id": note_id,
        "locality": locality,
        "referral": referral,
        "person": key.person,
        "kind": kind,
        "at": now,
        "text": key.seal(f"note/{note_id}", text),
    }
    if repeat is not None:
        row["repeat"] = repeat
    await tx[NOTES].insert_one(row, session=tx.session)


async def notes(
    source: Source,
    locality: str,
    referrals: Collection[str],
    *,
    ids: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
) -> dict[str, list[Note]]:
    """The notes of these referrals, oldest first, by referral id."""
    wanted: dict[str, object] = {"locality": locality, "referral": {"$in": list(referrals)}}
    if ids is not None:
        wanted["_id"] = {"$in": list(ids)}
    if kinds is not None:
        wanted["kind"] = {"$in": list(kinds)}
    gathered: dict[str, list[Note]] = {}
    async for row in source[NOTES].find(wanted, session=session_of(source)).sort([("at", 1), ("_id", 1)]):
        gathered.setdefault(row["referral"], []).append(_note(row))
    return gathered


async def repeated_note(source: Source, repeat: str) -> Note | None:
    """The note that was stored under this idempotency key."""
    row = await source[NOTES].find_one({"repeat": repeat}, session=session_of(source))
    return _note(row) if row else None


def note_text(note: Note, key: PersonKey) -> str:
    """The text of a note. Raises VaultLocked."""
    return key.open(f"note/{note.id}", note.text)


def _entry(row: Row) -> Entry:
    sensitive = row["sensitive"]
    return Entry(
        str(row["locality"]),
        str(row["referral"]),
        str(row["person"]),
        str(row["practice"]),
        sensitive if isinstance(sensitive, bytes) else None,
        int(row.get("version", FIRST)),
    )


def _note(row: Row) -> Note:
    text = row["text"]
    if not isinstance(text, bytes):
        raise TypeError("a note's text is bytes")
    return Note(str(row["_id"]), str(row["person"]), str(row["kind"]), text)
