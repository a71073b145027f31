"""Measures the search for a person over many people, by the API of the referral service.

The collections are filled in bulk, with rows as the service writes them: sealed details, wrapped keys,
entries, search terms, and referrals' documents. The search is the service's own, with its limit, audit and
decryption. Names are made of syllables, a few of them common and most of them rare, as with real ones. So
more of them are alike than in England.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, product
from random import Random
from typing import Any, Final

import httpx

from bench.place import Places
from bench.sizes import Size
from bench.statistics import short, summary
from services.referral.app import create_app
from services.referral.collections import ENTRIES, KEYS, PEOPLE, TERMS, ensure_indexes
from services.referral.identity.context import ReferralContext
from services.referral.identity.find.index import term_rows
from services.referral.identity.find.terms import TERMS_VERSION
from services.referral.identity.vault import versions
from services.referral.identity.vault.entries import Entry, entry_id
from services.referral.settings import ReferralSettings
from shared.contract.history import Stage
from shared.delivery.interpreter import tune_interpreter
from shared.delivery.mongo.database import Document
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.ids import new_id
from shared.platform.localities import Localities
from shared.platform.people.nhs_number import check_digit
from tests.harness.web.issuer import LoopbackIssuer

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PATH: Final = "/api/referral/v1/people/find"
_PIECE, _KNOWN, _SEARCHES_OF_ONE = 5_000, 2_000, 100
_NUMBERS: Final = 900_000
_SYLLABLES: Final = tuple(
    a + b for a, b in product(("b", "d", "gr", "h", "k", "l", "m", "st", "t", "w"), "aeio")
)
# Ranges kept for drama, without their last three digits.
_TELEPHONES: Final = ("+447700900", "+441632960", *(f"+441{city}14960" for city in range(2, 7)))


@dataclass(frozen=True, slots=True)
class Known:
    """An invented person, and the practice that referred them."""

    locality: str
    practice: str
    details: Mapping[str, str]


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds of each kind of search, in one process without a network between."""
    issuer = LoopbackIssuer()
    issuer.start()
    try:
        async with places() as place:
            settings = issuer.settings(
                ReferralSettings,
                **place.stores.kafka.settings(),
                mongo_url=place.stores.mongo_url,
                database="bench_find",
                searches_an_hour=_SEARCHES_OF_ONE,
            )
            app = create_app(settings, clock=lambda: NOW)
            context: ReferralContext = app.state.context
            # The service's loops do not run here, and nobody was ever erased.
            context.vault.is_open = True
            tune_interpreter()
            began = time.perf_counter()
            known = await _fill(context, size.referrals)
            await ensure_indexes(context.mongo)
            stored = await context.mongo.database.command("collStats", TERMS)
            say(f"{size.referrals} people stored in {time.perf_counter() - began:.0f} s")
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://localhost:8080"
            ) as client:
                asking = Asking(client, issuer, context.localities)
                taken = {kind: await asking.times(kind, known, size.asked * 10) for kind in SEARCHES}
            said = {kind: summary(seconds) for kind, seconds in taken.items()}
            for kind, each in said.items():
                say(f"{kind}: {short(each)}")
            await context.mongo.close()
    finally:
        issuer.stop()
    practices = sum(len(locality.practices) for locality in context.localities.real)
    index = {"on_disk": stored["storageSize"], "indexes": stored["totalIndexSize"]}
    return {"people": size.referrals, "practices": practices, "stored": index, "searches": said}


@dataclass
class Asking:
    """Sends searches, each hundred as another caller, since searches are limited."""

    client: httpx.AsyncClient
    issuer: LoopbackIssuer
    localities: Localities
    sent: int = 0

    async def times(self, kind: str, known: Sequence[Known], count: int) -> list[float]:
        """Seconds of so many searches of a kind. The first ones, which fetch keys, do not count."""
        random, taken = Random(kind), []
        for number in range(count + 5):
            body = SEARCHES[kind](person := random.choice(known), random)
            headers = self._headers(kind, person)
            began = time.perf_counter()
            answer = await self.client.post(PATH, json=body, headers=headers)
            seconds = time.perf_counter() - began
            answer.raise_for_status()
            if number >= 5:
                taken.append(seconds)
        return taken

    def _headers(self, kind: str, person: Known) -> dict[str, str]:
        who = f"searcher-{self.sent // (_SEARCHES_OF_ONE // 2)}"
        self.sent += 1
        claims: dict[str, Any] = {"iat": int(NOW.timestamp()), "nbf": 1, "exp": int(NOW.timestamp()) + 3600}
        if kind == "everywhere":
            real = [each.slug for each in self.localities.real]
            return self.issuer.bearer(role="programme_admin", subject=who, localities=real, **claims)
        own = {"localities": [person.locality], "practices": [person.practice]}
        return self.issuer.bearer(role="referrer", subject=who, **own, **claims)


def _slipped(word: str, random: Random) -> str:
    at = random.randrange(len(word))
    return word[:at] + word[at + 1 :]


def _name(person: Known, random: Random) -> dict[str, Any]:
    return {"name": f"{person.details['given_name']} {person.details['family_name']}"}


def _slips(person: Known, random: Random) -> dict[str, Any]:
    words = [_slipped(person.details[part], random) for part in ("family_name", "given_name")]
    return {"name": " ".join(words)}


def _born(person: Known, random: Random) -> dict[str, Any]:
    return {"name": person.details["family_name"], "date_of_birth": person.details["date_of_birth"]}


def _family(person: Known, random: Random) -> dict[str, Any]:
    return {"name": person.details["family_name"]}


def _nobody(person: Known, random: Random) -> dict[str, Any]:
    return {"name": f"Zebedee {person.details['family_name']}"}


def _one_field(field: str) -> Callable[[Known, Random], dict[str, Any]]:
    return lambda person, _: {field: person.details[field]}


SEARCHES: Final[Mapping[str, Callable[[Known, Random], dict[str, Any]]]] = {
    "name": _name,
    "slips": _slips,
    "born": _born,
    "family": _family,
    "number": _one_field("nhs_number"),
    "telephone": _one_field("telephone"),
    "postcode": _one_field("postcode"),
    "nobody": _nobody,
    "everywhere": _one_field("nhs_number"),
}


async def _fill(context: ReferralContext, count: int) -> list[Known]:
    """Stores so many people. Returns some of them, evenly spread."""
    random, every, kept = Random(7), max(1, count // _KNOWN), []
    people, indexed = _people(random, context.localities), list(context.vault.index_keys.ids)
    storing: list[asyncio.Task[None]] = []
    for start in range(0, count, _PIECE):
        rows: dict[str, list[Document]] = {name: [] for name in (KEYS, PEOPLE, ENTRIES, TERMS, REFERRALS)}
        for number in range(start, min(start + _PIECE, count)):
            person = next(people)
            if number % every == 0:
                kept.append(person)
            await _add(rows, context, indexed, person)
        await asyncio.gather(*storing)
        # The database stores a piece while the next one is made.
        storing = [asyncio.create_task(_store(context, name, some)) for name, some in rows.items()]
        await asyncio.sleep(0)
    await asyncio.gather(*storing)
    return kept


async def _store(context: ReferralContext, name: str, rows: Sequence[Document]) -> None:
    await context.mongo[name].insert_many(rows, ordered=False)


async def _add(
    rows: Mapping[str, list[Document]], context: ReferralContext, indexed: list[str], person: Known
) -> None:
    """The rows of one person with one open referral, as the service writes them."""
    whom, referral, vault = context.new_reference(), new_id(), context.vault
    key, wrapped = await vault.masters.new_key(whom)
    sealed = {field: key.seal(field, text) for field, text in person.details.items()}
    entry = Entry(person.locality, referral, whom, person.practice, None, versions.FIRST)
    whole = entry_id(person.locality, referral)
    rows[KEYS].append(
        {
            "_id": whom,
            "master": vault.masters.newest,
            "wrapped": wrapped,
            "indexed": indexed,
            "terms": TERMS_VERSION,
        }
    )
    rows[PEOPLE].append({"_id": whom} | versions.first_version(person.locality, sealed, "bench", NOW))
    rows[ENTRIES].append(
        {
            "_id": whole,
            "locality": person.locality,
            "referral": referral,
            "person": whom,
            "version": versions.FIRST,
            "practice": person.practice,
            "at": NOW,
            "sensitive": None,
        }
    )
    rows[TERMS] += term_rows(vault.index(person.locality), entry, person.details)
    view = {
        "stage": Stage.WAITING.value,
        "open": True,
        "practice": person.practice,
        "person": whom,
        "source": f"/{person.locality}/referral",
        "created": NOW,
        "link_worker": None,
    }
    rows[REFERRALS].append({"_id": whole, "referral": referral, "locality": person.locality, "view": view})


def _people(random: Random, localities: Localities) -> Iterator[Known]:
    """Invented people without end, at practices of the whole programme."""
    places = [(each.slug, practice.ods) for each in localities.real for practice in each.practices]
    family = ["".join(three).title() for three in product(_SYLLABLES, repeat=3)]
    given = ["".join(two).title() for two in product(_SYLLABLES, repeat=2)][:400]
    random.shuffle(family)
    random.shuffle(given)
    of_family = list(accumulate(1 / (rank + 8) ** 0.9 for rank in range(len(family))))
    of_given = list(accumulate(1 / (rank + 5) for rank in range(len(given))))
    number = 0
    while True:
        locality, practice = random.choice(places)
        number += 1
        details = {
            "given_name": random.choices(given, cum_weights=of_given)[0],
            "family_name": random.choices(family, cum_weights=of_family)[0],
            "date_of_birth": (date(1931, 1, 1) + timedelta(days=random.randrange(27_000))).isoformat(),
            "nhs_number": _nhs_number(number),
            "telephone": f"{random.choice(_TELEPHONES)}{random.randrange(1000):03d}",
            "postcode": f"ST{random.randrange(1, 10)} {random.randrange(10)}"
            + random.choice("ABDEFGHJLN")
            + random.choice("ABDEFGHJLN"),
        }
        yield Known(locality, practice, details)


def _nhs_number(number: int) -> str:
    first_nine = 999_000_000 + number % _NUMBERS
    while (digit := check_digit(str(first_nine))) is None:
        first_nine += 1
    return f"{first_nine}{digit}"
