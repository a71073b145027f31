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
from shared.delivery.kafka.topics import create_topics
from tests.harness.conformance.hands import Hands
from tests.harness.conformance.ours import LOCALITIES, OurPart, kafka_of
from tests.harness.stores import Stores, stores

HERE, THERE = LOCALITIES


async def try_ours(
    part: str, at: Stores, folder: Path, only: list[str], seed: int
) -> tuple[Settings, list[Result]]:
    """Tries one of our parts, and gives what came of it."""
    tried = OurPart(part, at.kafka, at.mongo_url, folder / f"{part}.log")
    hands = Hands(tried.url)
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
        seed=seed,
    )

    def made(server: Server) -> OurPart:
        tried.kit_url, hands.issuer = server.url, server.issuer
        return tried

    await hands.start()
    try:
        async with running(settings, made) as kit:
            found = await run(kit, clauses_of(part, only), _told)
    finally:
        await hands.stop()
        await tried.forget()
    return settings, found


def _told(result: Result) -> None:
    line = f"{result.clause.name} {result.outcome}, {result.seconds} s"
    if result.outcome != "passed":
        line += f": expected {result.expected}; came {result.came[:300]}"
    print(line, file=sys.stderr, flush=True)


async def main() -> int:
    """Tries the parts that are named, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="make conformance")
    parser.add_argument("parts", nargs="*", default=["booking", "referral"], choices=PARTS)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reports", type=Path)
    given = parser.parse_args()
    folder, status = Path(tempfile.mkdtemp(prefix="linkwork-conformance-")), 0
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(stores(folder))
        await create_topics(at.kafka, list(LOCALITIES))
        for part in given.parts:
            began = time.monotonic()
            settings, found = await try_ours(part, at, folder, given.only, given.seed)
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
