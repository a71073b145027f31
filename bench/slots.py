"""Measures the search for a meeting time among many diaries: read from the database, and searched.

Diaries lie in localities of eight link workers and four practices. Each practice has four of these link
workers. The first fortnight is nearly full, later weeks are less and less so.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from datetime import time as time_of_day
from random import Random
from typing import Any, Final

from bench.place import Places
from bench.sizes import Size
from bench.statistics import short, summary
from services.matching.booking.diary import HORIZON
from services.matching.booking.own import MAX_TIMES
from services.matching.booking.repository import DiaryStore
from services.matching.booking.search import search_times
from services.matching.booking.slot import slots_of_day
from services.matching.booking.wanted import EARLIEST, TimesWanted
from services.matching.calendar import london_day, make_ready
from services.matching.collections import CASELOADS, DAYS, LINK_WORKERS, ensure_indexes
from services.matching.referral_state.state import ReferralState, fold
from services.matching.roster.link_workers import LinkWorker
from shared.delivery.interpreter import tune_interpreter
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Mongo
from shared.platform.ids import new_id
from tests.harness.matching.decision_harness import NOW, SOURCES, DecisionHarness, created, worker

_WORKERS, _PRACTICES, _PIECE = 8, 4, 200
# The share of times that are taken, by the week from now.
_TAKEN: Final = (0.98, 0.95, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.05)
_FORTNIGHT: Final = timedelta(days=13)


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds of a search: the earliest three times of a person, and all times of a fortnight."""
    make_ready(NOW)
    async with places() as place:
        mongo = Mongo(place.stores.mongo_url, "bench_slots")
        await ensure_indexes(mongo)
        tune_interpreter()  # The same setting as in the program that starts the kernel.
        workers = list(_workers(size.diaries))
        began = time.perf_counter()
        days = await _fill(mongo, workers)
        say(f"{len(workers)} diaries with {days} days, in {time.perf_counter() - began:.0f} s")
        taken = {
            name: await _searched(mongo, workers, size.searches, count, wanted)
            for name, count, wanted in (
                ("earliest", 3, EARLIEST),
                ("fortnight", MAX_TIMES, _fortnight()),
            )
        }
        said = {name: summary(seconds) for name, seconds in taken.items()}
        say("; ".join(f"{name} {short(each)}" for name, each in said.items()))
        await mongo.client.drop_database("bench_slots")
        mongo.client.close()
    return {"diaries": len(workers), "days": days, **said}


def _fortnight() -> TimesWanted:
    first = london_day(NOW) + timedelta(days=14)
    return TimesWanted(first, first + _FORTNIGHT)


def _workers(count: int) -> Iterator[LinkWorker]:
    for number in range(count):
        locality, seat = divmod(number, _WORKERS)
        codes = tuple(f"M{10_000 + locality * _PRACTICES + (seat + more) % _PRACTICES:05}" for more in (0, 1))
        yield worker(
            f"lw-bench-{number}",
            opens=time_of_day(9),
            closes=time_of_day(17),
            practices=codes,
            locality=_slug(locality),
        )


def _slug(number: int) -> str:
    return "bench-" + "".join("abcdefghij"[int(digit)] for digit in f"{number:04}")


async def _fill(mongo: Mongo, workers: list[LinkWorker]) -> int:
    """Stores entries, caseloads and days in pieces. Returns the number of days."""
    random, first, days = Random(7), london_day(NOW), 0
    for start in range(0, len(workers), _PIECE):
        entries, caseloads, rows = [], [], []
        for each in workers[start : start + _PIECE]:
            cases = [new_id() for _ in range(40)]
            entries.append({"_id": each.id, **each.model_dump(mode="json", exclude={"id"}), "v": 1})
            caseloads.append({"_id": each.id, "locality": each.locality, "v": 1, "referrals": cases})
            for n in range(HORIZON.days + 1):
                row = _day(random, each, first + timedelta(days=n), _TAKEN[n // 7], cases)
                rows += [row] if row else []
        for name, stored in ((LINK_WORKERS, entries), (CASELOADS, caseloads), (DAYS, rows)):
            await mongo[name].insert_many(stored, ordered=False)
        days += len(rows)
    return days


def _day(
    random: Random, each: LinkWorker, day: date, share: float, cases: list[str]
) -> dict[str, Any] | None:
    times = sorted({slot.starts_at for slot in slots_of_day(each, day)})
    held = [
        {"s": at, "m": each.meeting_minutes, "r": random.choice(cases), "i": new_id(), "t": 0}
        for at in times
        if random.random() < share
    ]
    if not held:
        return None
    key = {"_id": f"{each.id}|{day.isoformat()}", "link_worker": each.id, "day": day.isoformat()}
    return {**key, "locality": each.locality, "v": 1, "held": held, "behind": []}


async def _searched(
    mongo: Mongo, workers: list[LinkWorker], searches: int, count: int, wanted: TimesWanted
) -> list[float]:
    random, store = Random(11), DiaryStore()
    taken = []
    for _ in range(searches + 1):
        loaded = _referral(random.choice(workers), random)
        began = time.perf_counter()

        found = await search_times(mongo, store, loaded, NOW, count, wanted)
        taken.append(time.perf_counter() - began)
        if not found:
            raise RuntimeError("a search among so many diaries finds a time")
    return taken[1:]  # the first one opens the connection


def _referral(near: LinkWorker, random: Random) -> Loaded[ReferralState]:
    referral = new_id()
    said = created(referral, practice=random.choice(near.hours[0].practices), locality=near.locality)
    fact = ReceivedEvent.of(DecisionHarness().envelope(said)).fact
    return Loaded(near.locality, referral, fold([fact], SOURCES))
