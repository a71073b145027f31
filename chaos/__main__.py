"""Strikes a running system until something is lost or doubled, or the plan is at its end: `make chaos`.

python -m chaos [--times 20] [--rate 50] [--seed 1] [--only "network"] [--keep]
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import time

from chaos import plan
from chaos.report import summary, table, told
from chaos.run import Asked, run
from shared.localities import load_localities


async def main() -> int:
    # Whom they try to reach is struck on purpose.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--times", type=int, default=20, help="how often each fault strikes")
    parser.add_argument("--rate", type=float, default=50, help="referrals a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--localities", type=int, default=8, help="how many of them take part")
    parser.add_argument("--only", default="", help="only faults whose name holds these words")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    asked = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {text}", flush=True)

    slugs = tuple(load_localities().slugs)[: asked.localities]
    stages = plan.only(plan.on_one_of_each(asked.seed, asked.times), asked.only)
    outcome = await run(Asked(asked.seed, asked.rate, slugs, stages), say, asked.keep)
    say("reconciled")
    print(f"\n{table([outcome])}\n\n{summary(outcome)}")
    if not outcome.clean:
        print(told(outcome.findings))
    return 0 if outcome.clean else 1


async def stoppable() -> int:
    """`main`, which a signal cancels, so that everything is stopped in order."""
    work = asyncio.ensure_future(main())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await work
    return 130


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        raise SystemExit(runner.run(stoppable()))
