"""`make conformance`: tries our own parts on stores of their own, and prints the tables."""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
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
from tests.harness.conformance.hands import Hands
from tests.harness.conformance.intake_java import intake_beside_the_kit
from tests.harness.conformance.ours import LOCALITIES, OurPart, kafka_of
from tests.harness.referral.booking_js import installed
from tests.harness.referral.intake_java import NAME as INTAKE
from tests.harness.stores import Stores, stores

HERE, THERE = LOCALITIES
DEFAULT = ("booking", "referral")
EXAMPLE = "booking-js"
EXAMPLES = (EXAMPLE, INTAKE)

Tried = tuple[Settings, list[Result]]


async def try_ours(part: str, at: Stores, folder: Path, given: argparse.Namespace) -> Tried:
    """Tries one of our parts. Gives the settings and the results."""
    tried = OurPart(part, at.kafka, at.mongo_url, folder / f"{part}.log")
    hands = Hands(tried.url, keeps_link_workers=tried.service == "matching")
    settings = Settings(
        kafka=kafka_of(at.kafka),
        part=part,
        locality=HERE,
        practice=LOCALITIES[HERE],
        other_locality=THERE,
        other_practice=LOCALITIES[THERE],
        api=tried.url,
        hands=hands.url,
        at_once=1 if part == "evaluation" else 12,
        make=f"make conformance PARTS={part}",
        seed=given.seed,
        patience=given.patience,
    )

    def made(server: Server) -> OurPart:
        tried.kit_url, hands.issuer = server.url, server.issuer
        return tried

    await hands.start()
    try:
        async with running(settings, made) as kit:
            found = await run(kit, clauses_of(part, given.only), _told)
    finally:
        await hands.stop()
        await tried.forget()
    return settings, found


async def try_example(at: Stores, folder: Path, given: argparse.Namespace) -> Tried:
    """Tries `examples/booking-js`, which a command starts, as a partner's part is."""
    example, port = await installed(folder / EXAMPLE), free_port()
    database = folder / EXAMPLE / "booking.sqlite"
    address = f"http://{LOOPBACK}:{port}"
    settings = Settings(
        kafka=kafka_of(at.kafka),
        part="booking",
        source=f"/{Settings.locality}/{EXAMPLE}",
        make=f"make conformance PARTS={EXAMPLE}",
        inbox=True,
        api=address,
        start=f"cd {example} && exec {node(example)} main.mjs",
        wipe=f"rm -f {database}*",
        ready=f"{address}/readyz",
        seed=given.seed,
        patience=given.patience,
        environment={"PORT": str(port), "API": address, "DATABASE": str(database)},
    )
    async with running(settings) as kit:
        return settings, await run(kit, clauses_of("booking", given.only), _told)


async def try_intake(at: Stores, folder: Path, given: argparse.Namespace) -> Tried:
    """Tries `examples/intake-java`, at whose desk the kit's people are referred."""
    settings, desk = await intake_beside_the_kit(at, folder, given.seed)
    await desk.start()
    try:
        async with running(settings) as kit:
            return settings, await run(kit, clauses_of("referral", given.only), _told)
    finally:
        await desk.stop()


def _told(result: Result) -> None:
    line = f"{result.clause.name} {result.outcome}, {result.seconds} s"
    if result.outcome != "passed":
        line += f": expected {result.expected}; came {result.came[:300]}"
    print(line, file=sys.stderr, flush=True)


async def main() -> int:
    """Tries the parts that are named, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="make conformance")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join((*PARTS, *EXAMPLES)))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=1.0)
    parser.add_argument("--reports", type=Path)
    given = parser.parse_args()
    if unknown := set(given.parts) - {*PARTS, *EXAMPLES}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    folder, status = Path(tempfile.mkdtemp(prefix="linkwork-conformance-")), 0
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(stores(folder))
        await create_topics(at.kafka, list(LOCALITIES))
        for part in given.parts or DEFAULT:
            began = time.monotonic()
            if part == EXAMPLE:
                settings, found = await try_example(at, folder, given)
            elif part == INTAKE:
                settings, found = await try_intake(at, folder, given)
            else:
                settings, found = await try_ours(part, at, folder, given)
            files = given.reports
            status = max(
                status,
                finish(
                    settings,
                    found,
                    json_file=str(files / f"{part}.json") if files else "",
                    junit_file=str(files / f"{part}.xml") if files else "",
                ),
            )
            print(f"{part}: {time.monotonic() - began:.0f} s\n")
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
