"""Runs one process of the kernel.

    python -m bench.worker <mongo_url> <database> <locality> ...

Waits for a line on its input, then runs until SIGTERM. Prints "began <monotonic seconds>" when it first has
partitions of all of its localities.
"""

import asyncio
import cProfile
import logging
import os
import signal
import sys
import time
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import uvloop
from prometheus_client import REGISTRY

from bench.meetings import MEETINGS
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.kafka_connection import connection_from


async def main() -> None:
    """Runs the process until SIGTERM."""
    parser = ArgumentParser()
    for name in ("mongo_url", "database"):
        parser.add_argument(name)
    parser.add_argument("localities", nargs="+")
    parser.add_argument("--batch-records", type=int, help="in place of what the kernel takes")
    parser.add_argument("--profile", type=Path, help="folder for a profile of the process")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    options = Options(
        kafka=connection_from(os.environ),
        mongo_url=asked.mongo_url,
        database=asked.database,
        dead_letter_key=b"a key for measurements only",
        session_timeout_ms=3000,
    )
    if asked.batch_records is not None:
        options = replace(options, batch_records=asked.batch_records)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    kernel = Kernel(MEETINGS, options, asked.localities)
    async with kernel.running():
        while not all(map(_has_partitions, asked.localities)):
            await asyncio.sleep(0.002)
        print(f"began {time.monotonic()}", flush=True)
        with cProfile.Profile() if asked.profile else nullcontext() as profile:
            await stopped.wait()
    if profile is not None:
        profile.dump_stats(asked.profile / f"kernel-{os.getpid()}.prof")


def _has_partitions(locality: str) -> bool:
    labels = {"service": MEETINGS.name, "locality": locality}
    return bool(REGISTRY.get_sample_value("linkwork_rebalances_total", labels))


if __name__ == "__main__":
    uvloop.run(main())
