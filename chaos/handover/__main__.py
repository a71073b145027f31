"""Hands booking over and back while participants die, and counts what was lost, doubled or told twice.

The exit code is 1 if anything was lost, doubled or otherwise wrong. It is 1 too if rounds were left out, or
if the load was less than promised.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import time
from pathlib import Path

from chaos.handover import plan
from chaos.handover.report import page, shortfalls
from chaos.handover.run import Asked, run
from chaos.report import head, told, with_table
from deploy.version import version

NAME = "table of hand-overs"


def asked_for() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="chaos.handover", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="hand-overs, each there and back")
    parser.add_argument("--short", action="store_true", help="one round with a death on each way")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the planned rounds to run")
    parser.add_argument("--rate", type=float, default=16, help="referrals a second; most have seven events")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--partner", choices=("js", "py"), default="js", help="the partner's program")
    parser.add_argument("--minutes", type=float, default=25, help="limit for the rounds")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--write", type=Path, help="page in which to replace the table")
    return parser.parse_args()


async def main() -> int:
    """Runs the rounds and prints the report. Returns the exit code."""
    # Its warnings are about targets that are struck on purpose.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asked = asked_for()
    began = time.monotonic()
    shown = {**vars(asked), "only": " ".join(map(str, asked.only or ()))}
    heading = head(shown, version(), "chaos.handover")
    print(heading, flush=True)

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", flush=True)

    rounds = plan.short(asked.seed) if asked.short else plan.rounds(asked.seed, asked.rounds)
    if asked.only:
        rounds = [each for each in rounds if each.number in asked.only]
    settings = Asked(asked.seed, asked.rate, rounds, asked.partner, 60 * asked.minutes)
    outcome = await run(settings, say, keep=asked.keep)
    say("reckoned")
    text = f"{heading}\n\n{page(outcome)}"
    print(f"\n{text}\n\n{told(outcome.findings)}")
    lacks = shortfalls(outcome, len(rounds))
    for lack in lacks:
        print(lack)
    if asked.write:
        asked.write.write_text(with_table(asked.write.read_text(), NAME, text))
    return 0 if outcome.clean and not lacks else 1


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
