"""Measures the kernel's events a second.

    python -m bench.kernel [--events 20000] [--processes 1 2]

"Own events received" is the time until the kernel has also received all of its own events again. Each line
gives the cost of every process.
"""

import argparse
import asyncio
import itertools
import os
import time

from bench.contenders import kernel
from bench.events import records
from bench.stores import embedded_stores
from bench.throughput import Ran, filled, run
from bench.topics import Topics


def line(ran: Ran, processes: int) -> str:
    """A run in words."""
    cpu = ", ".join(f"{name} {seconds:.2f}" for name, seconds in ran.cpu.items())
    return (
        f"{processes} processes: {ran.rate:,.0f} events/s, {ran.seconds:.2f} s, own events received after "
        f"{ran.own_heard or 0:.2f} s, {ran.published}; processor s: {cpu}"
    )


async def main() -> None:
    """Runs the command and prints a line for each run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch-records", type=int, help="in place of what the kernel takes")
    parser.add_argument("--profile", help="folder for a cProfile of each process")
    asked = parser.parse_args()
    given = {"batch-records": asked.batch_records, "profile": asked.profile}
    more = [f"--{name}={value}" for name, value in given.items() if value is not None]
    print(f"{os.cpu_count()} cores, load before the start {os.getloadavg()[0]:.1f}")
    async with embedded_stores() as stores, Topics(stores.kafka) as topics:
        began = time.monotonic()
        work = await filled(topics, "bench", records("bench", asked.events))
        print(
            f"{work.count} records written in {time.monotonic() - began:.1f} s, {work.new} of new referrals"
        )
        for number, processes in itertools.product(range(asked.rounds), asked.processes):
            ran = await run(stores, topics, work, kernel(processes, *more), number, read_back=True)
            print(line(ran, processes), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
