"""Strikes a running system until the plan ends, and counts lost and doubled work.

There are two systems: one on a single broker and database, and a smaller one on three of each. The exit code
is 1 if anything was lost, doubled or otherwise wrong. It is 1 too if a fault struck less often than required,
or if a single fault caused too long a wait.
"""

import argparse
import asyncio
import contextlib
import logging
import math
import signal
import time
import traceback
from collections.abc import Awaitable
from pathlib import Path

from chaos import plan, report
from chaos.run import Asked, run
from deploy.version import version
from shared.platform.localities import load_localities

OF_THE_TIME = 0.76  # The first system's share of the time.
# Share of rate and localities: three of each store on one machine do more work for each event.
OF_THREE = 0.4


def asked_for() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="chaos", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--times", type=int, default=20, help="strikes of each fault")
    parser.add_argument(
        "--at-least", type=int, help="strikes that each fault needs, or the run fails (default: --times)"
    )
    parser.add_argument("--rate", type=float, default=50, help="referrals a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--localities", type=int, default=8, help="number of localities")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="limit for the faults of both systems"
    )
    parser.add_argument(
        "--only", default="", help="only faults whose name contains one of these, with commas between"
    )
    parser.add_argument("--apart", type=float, help="one fault at a time, with this many seconds of rest")
    parser.add_argument("--rest", type=float, default=0.0, help="least seconds between the strikes of a lane")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--write", type=Path, help="page in which to replace the table")
    return parser.parse_args()


async def main() -> int:
    """Runs both systems and prints the report. Returns the exit code."""
    # Its warnings are about targets that are struck on purpose.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asked = asked_for()
    began = time.monotonic()
    head = report.head(vars(asked), version())
    print(head, flush=True)

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", flush=True)

    slugs = tuple(locality.slug for locality in load_localities().real)[: asked.localities]
    one = plan.only(plan.on_one_of_each(asked.seed, asked.times), asked.only)
    three = plan.only(plan.on_three_of_each(asked.seed, asked.times), asked.only)
    if asked.apart is not None:
        one, three = plan.apart(one, asked.apart), plan.apart(three, asked.apart)
    one, three = plan.rested(one, asked.rest), plan.rested(three, asked.rest)
    ended = asyncio.Event()
    work: list[Awaitable[report.Outcome]] = []

    async def then_three() -> report.Outcome:
        await ended.wait()  # the second starts while the first comes to rest
        some = slugs[: max(1, int(OF_THREE * len(slugs)))]
        rate, seconds = OF_THREE * asked.rate, (1 - OF_THE_TIME) * 60 * asked.minutes
        smaller = Asked(asked.seed, rate, some, three, seconds, three=True)
        return await run(smaller, say, keep=asked.keep)

    if one:
        larger = Asked(asked.seed, asked.rate, slugs, one, OF_THE_TIME * 60 * asked.minutes)
        work.append(run(larger, say, keep=asked.keep, ended=ended))
    else:
        ended.set()
    if three:
        work.append(then_three())
    # If one system breaks off, the findings of the other are printed all the same.
    results = await asyncio.gather(*work, return_exceptions=True)
    outcomes = [result for result in results if isinstance(result, report.Outcome)]
    broken = [result for result in results if isinstance(result, BaseException)]
    say("reconciled")
    page = f"{head}\n\n{report.page(outcomes, apart=asked.apart is not None)}"
    print(f"\n{page}")
    if asked.write and not broken:
        name = "table" if asked.apart is None else "table of faults apart"
        asked.write.write_text(report.with_table(asked.write.read_text(), name, page))
    for outcome in outcomes:
        print(f"\nThe longest waits:\n{report.longest(outcome)}\n{report.told(outcome.findings)}")
    seldom = {fault: times for outcome in outcomes for fault, times in outcome.seldom.items()}
    for fault, times in seldom.items():
        print(f"{fault}: struck {times} times only, there was no time for more")
    required = asked.times if asked.at_least is None else asked.at_least
    untried = any(times < required for times in seldom.values())
    late = report.late(outcomes) if asked.apart is not None else []
    for wait in late:
        print(f"{wait.record.strike.fault}: {wait.without:.1f} s, {wait.after_return:.1f} s after its return")
    for failure in broken:
        traceback.print_exception(failure)
    well = not broken and not untried and not late and all(outcome.clean for outcome in outcomes)
    return 0 if well else 1


async def stoppable() -> int:
    """Runs `main`. A signal cancels it, so that everything stops in order."""
    work = asyncio.ensure_future(main())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await work
    return 130


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        raise SystemExit(runner.run(stoppable()))
