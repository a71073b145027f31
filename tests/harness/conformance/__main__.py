"""`make conformance`: tries our own parts and the examples on stores of their own, and prints the tables."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from conformance.__main__ import finish
from conformance.clause import clauses_of
from conformance.contract import PARTS
from conformance.kit import running
from conformance.runner import Result, run
from conformance.serving import Server
from conformance.settings import Settings
from deploy.local.assets import node
from deploy.local.ports import LOOPBACK, free_port
from shared.delivery.kafka.topics import create_topics
from shared.platform.localities import load_localities
from tests.harness.conformance.hands import Hands
from tests.harness.conformance.intake_java import intake_beside_the_kit
from tests.harness.conformance.ours import OurPart, kafka_of
from tests.harness.referral.booking_js import installed
from tests.harness.referral.intake_java import NAME as INTAKE
from tests.harness.stores import Stores, stores

EXAMPLE = "booking-js"
# The longest first, so that they end at about the same time.
ALL = (EXAMPLE, "booking", INTAKE, "evaluation", "referral", "notifications", "casework", "directory")
_CANNOT = 2
# Parts beside each other: a run waits for most of its time.
BESIDE = 4

Localities = Mapping[str, str]
Tried = tuple[Settings, list[Result]]


def pairs() -> list[Localities]:
    """The programme's localities, two for each part that is tried beside others, each with a practice."""
    listed = [each for each in load_localities().by_slug.values() if not each.sandbox]
    practices = [(each.slug, each.practices[0].ods) for each in listed]
    return [dict(pair) for pair in zip(practices[::2], practices[1::2], strict=True)]


async def try_ours(
    part: str, at: Stores, folder: Path, given: argparse.Namespace, localities: Localities
) -> Tried:
    """Tries one of our parts. Gives the settings and the results."""
    here, there = localities
    tried = OurPart(part, list(localities), at.kafka, at.mongo_url, folder / f"{part}.log")
    hands = Hands(tried.url, localities, keeps_link_workers=tried.service == "matching")
    settings = Settings(
        kafka=kafka_of(at.kafka),
        part=part,
        locality=here,
        practice=localities[here],
        other_locality=there,
        other_practice=localities[there],
        api=tried.url,
        hands=hands.url,
        at_once=1 if part == "evaluation" else 12,
        day=(0, 24),
    )
    settings = _as_given(settings, part, given)

    def made(server: Server) -> OurPart:
        tried.kit_url, hands.issuer = server.url, server.issuer
        return tried

    await hands.start()
    try:
        async with running(settings, made) as kit:
            found = await run(kit, clauses_of(part, given.only), partial(_told, part))
    finally:
        await hands.stop()
        await tried.forget()
    return settings, found


async def try_example(at: Stores, folder: Path, given: argparse.Namespace, localities: Localities) -> Tried:
    """Tries `examples/booking-js`, which a command starts, as a partner's part is."""
    example, port = await installed(folder / EXAMPLE), free_port()
    database = folder / EXAMPLE / "booking.sqlite"
    address = f"http://{LOOPBACK}:{port}"
    here = next(iter(localities))
    settings = Settings(
        kafka=kafka_of(at.kafka),
        part="booking",
        locality=here,
        practice=localities[here],
        source=f"/{here}/{EXAMPLE}",
        inbox=True,
        api=address,
        start=f"cd {example} && exec {node(example)} main.mjs",
        wipe=f"rm -f {database}*",
        ready=f"{address}/readyz",
        environment={
            "PORT": str(port),
            "API": address,
            "DATABASE": str(database),
            "LINK_WORKERS_EVERY": "5",
        },
    )
    settings = _as_given(settings, EXAMPLE, given)
    async with running(settings) as kit:
        return settings, await run(kit, clauses_of("booking", given.only), partial(_told, EXAMPLE))


async def try_intake(at: Stores, folder: Path, given: argparse.Namespace, localities: Localities) -> Tried:
    """Tries `examples/intake-java`, at whose desk the kit's people are referred."""
    settings, desk = await intake_beside_the_kit(at, folder, localities)
    settings = _as_given(settings, INTAKE, given)
    await desk.start()
    try:
        async with running(settings) as kit:
            return settings, await run(kit, clauses_of("referral", given.only), partial(_told, INTAKE))
    finally:
        await desk.stop()


def _as_given(settings: Settings, name: str, given: argparse.Namespace) -> Settings:
    make = f"make conformance PARTS={name}"
    return replace(settings, make=make, seed=given.seed, patience=given.patience)


def _told(part: str, result: Result) -> None:
    line = f"{part}: {result.clause.name} {result.outcome}, {result.seconds} s"
    if result.outcome != "passed":
        line += f": expected {result.expected}; came {result.came[:300]}"
    print(line, file=sys.stderr, flush=True)


async def _try(
    part: str, at: Stores, folder: Path, given: argparse.Namespace, free: asyncio.Queue[Localities]
) -> int:
    """Tries a part in localities of its own, and prints its table. Gives the exit status."""
    localities = await free.get()
    began = time.monotonic()
    try:
        if part == EXAMPLE:
            settings, found = await try_example(at, folder, given, localities)
        elif part == INTAKE:
            settings, found = await try_intake(at, folder, given, localities)
        else:
            settings, found = await try_ours(part, at, folder, given, localities)
    except (OSError, RuntimeError) as error:
        print(f"{part} cannot be tried: {error}\n", flush=True)
        return _CANNOT
    finally:
        free.put_nowait(localities)
    files = given.reports
    status = finish(
        settings,
        found,
        json_file=str(files / f"{part}.json") if files else "",
        junit_file=str(files / f"{part}.xml") if files else "",
    )
    print(f"{part}: {time.monotonic() - began:.0f} s\n", flush=True)
    return status


async def main() -> int:
    """Tries the parts that are named, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="make conformance")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join((*PARTS, EXAMPLE, INTAKE)))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=1.0)
    parser.add_argument("--beside", type=int, choices=range(1, BESIDE + 1), default=BESIDE)
    parser.add_argument("--reports", type=Path)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(ALL):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    folder, began = Path(tempfile.mkdtemp(prefix="linkwork-conformance-")), time.monotonic()
    parts = [each for each in ALL if each in given.parts or not given.parts]
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(stores(folder))
        free: asyncio.Queue[Localities] = asyncio.Queue()
        for pair in pairs()[: given.beside]:
            free.put_nowait(pair)
        await create_topics(at.kafka, [slug for pair in pairs() for slug in pair])
        statuses = await asyncio.gather(*(_try(part, at, folder, given, free) for part in parts))
    print(f"{len(parts)} parts: {time.monotonic() - began:.0f} s")
    return max(statuses)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
