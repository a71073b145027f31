"""A locality with two partners' sources for the measurement of admission, and the programs beside it.

    python -m bench.partners admit <mongo_url> <database> <locality>
    python -m bench.partners flood <locality> <records a second>

Each waits for a line on its input, then runs until SIGTERM. `admit` judges the inboxes as the referral
service does, at its default rate. `flood` fills one inbox; every second record is one that is refused.
"""

import asyncio
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Final

import uvloop
from aiokafka import AIOKafkaProducer

from bench.events import newcomers
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from services.referral.settings import ReferralSettings
from shared.contract.events.topics import inbox_topic, partner_source
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import connection_from
from shared.platform.localities import Localities, Source, load_localities

QUIET, FLOOD = "bench-quiet", "bench-flood"
PRACTICE: Final = "M83100"
_RANK: Final = 10


def sources(locality: str) -> list[str]:
    """The sources of both partners."""
    return [partner_source(locality, name) for name in (QUIET, FLOOD)]


def programme(locality: str) -> Localities:
    """A table with one locality, both partners and the practice of their records."""
    known = load_localities()
    home = known.of_practice(PRACTICE)
    if home is None:
        raise SystemExit(f"The localities file has no practice {PRACTICE}.")
    rows = {name: Source(name, "partner", _RANK, "own") for name in sources(locality)}
    here = replace(home, slug=locality, sources=MappingProxyType(rows))
    return Localities(known.name, known.hub, (here,), ())


async def _admit(mongo_url: str, database: str, locality: str, stopped: asyncio.Event) -> None:
    options = Options(connection_from(os.environ), mongo_url, database, b"a key for measurements only")
    mongo = Mongo(mongo_url, database, name="bench-admission")
    rate = ReferralSettings.model_fields["admission_records_a_second"].default
    table, keeper = ProgrammeTable(programme(locality)), RefusalKeeper(mongo)
    admission = Admission(options, table, keeper, InboxEnds(mongo), [locality], rate, system_clock)
    admission.start()
    while not admission.detail()["partitions"]:
        await asyncio.sleep(0.02)
    print(f"began {time.monotonic()}", flush=True)
    await stopped.wait()
    await admission.stop()
    await mongo.close()


async def _flood(locality: str, a_second: int, stopped: asyncio.Event) -> None:
    source = partner_source(locality, FLOOD)
    records = newcomers(locality, source, PRACTICE)
    async with AIOKafkaProducer(**connection_from(os.environ).client_arguments(), linger_ms=5) as producer:
        print(f"began {time.monotonic()}", flush=True)
        began = time.monotonic()
        for number in count():
            if stopped.is_set():
                return
            await asyncio.sleep(max(0.0, began + number / a_second - time.monotonic()))
            record = next(records)
            value = record.value if number % 2 else record.value[:-2]
            await producer.send(inbox_topic(source), value, key=record.key, headers=list(record.headers))


async def main() -> None:
    """Runs one of the programs."""
    parser = ArgumentParser()
    programs = parser.add_subparsers(dest="program", required=True)
    admit, flood = programs.add_parser("admit"), programs.add_parser("flood")
    for name in ("mongo_url", "database", "locality"):
        admit.add_argument(name)
    flood.add_argument("locality")
    flood.add_argument("a_second", type=int)
    asked = parser.parse_args()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    run: Callable[[], Awaitable[None]] = (
        (lambda: _admit(asked.mongo_url, asked.database, asked.locality, stopped))
        if asked.program == "admit"
        else (lambda: _flood(asked.locality, asked.a_second, stopped))
    )
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await run()


if __name__ == "__main__":
    uvloop.run(main())
