"""Measures the time from a referral to its meeting.

    python -m bench.journey [--rate 20] [--seconds 30]

Starts the embedded run, with a broker and a database of its own, and sends referrals at a fixed rate. The
rate does not wait for earlier answers. A measured time begins when the POST was due and ends when a GET of
the referral shows the meeting. The POST asks to wait for the meeting, as the page does. All requests pass the
front. The clients share the machine with everything else.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.client import Client
from bench.people import link_workers, referrals
from bench.run import Run
from deploy.development.settings import DevelopmentSettings
from deploy.development.tokens import Minter
from shared.platform.localities import load_localities

REFERRALS = "/api/referral/v1/referrals"
WARM_UP_SECONDS = 5
PATIENCE = 10.0


@dataclass(frozen=True)
class Seen:
    """One referral, in seconds since its POST was due to be sent. None: the step was not reached."""

    answered: float | None = None
    visible: float | None = None
    why_not: str = ""


@asynccontextmanager
async def embedded_run() -> AsyncIterator["Embedded"]:
    """Starts everything in a folder of its own, with enough link workers. Stops and removes it at the end."""
    with tempfile.TemporaryDirectory(prefix="linkwork-bench-") as folder:
        run = Run.start(Path(folder))
        try:
            await asyncio.to_thread(run.until_it_answers)
            issuer = DevelopmentSettings(env="development", state=run.state, issuer=f"{run.url}/dev/issuer")
            embedded = Embedded(run, Client(run.url), Minter(issuer))
            await _fill_diaries(embedded)
            yield embedded
            await embedded.client.close()
        finally:
            await asyncio.to_thread(run.end)


@dataclass(frozen=True)
class Embedded:
    """A run, a client of its front, and tokens for it."""

    run: Run
    client: Client
    minter: Minter


async def _fill_diaries(embedded: Embedded) -> None:
    token = embedded.minter.of("admin")
    for locality in load_localities().real:
        for worker in link_workers(locality):
            path = f"/api/matching/v1/link-workers/{worker['id']}"
            status, _ = await embedded.client.ask("PUT", path, token, worker)
            if status != HTTPStatus.OK:
                raise SystemExit(f"{worker['id']} was not taken: {status}")


async def refer(client: Client, body: dict[str, Any], token: str, began: float) -> Seen:
    """Sends the referral that was due when it `began`, and polls until the meeting is there."""
    try:
        status, made = await client.ask("POST", REFERRALS, token, body)
        answered = time.perf_counter() - began
        if status != HTTPStatus.CREATED:
            return Seen(why_not=f"POST {status}")
        pause = 0.02
        while time.perf_counter() - began < PATIENCE:
            status, shown = await client.ask("GET", f"{REFERRALS}/{made['id']}", token)
            if status == HTTPStatus.OK and shown["meeting"]:
                return Seen(answered, time.perf_counter() - began)
            # People poll less often the longer they wait. A fixed interval would measure the polling itself.
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)
    except (OSError, EOFError) as broken:
        return Seen(why_not=type(broken).__name__)
    return Seen(answered, why_not="no meeting in time")


async def at_rate(embedded: Embedded, rate: float, seconds: float) -> list[Seen]:
    """Refers people at a fixed rate."""
    users = embedded.minter.users.values()
    tokens = {code: embedded.minter.of(u) for u in users if u.role == "referrer" for code in u.practices}
    began, tasks = time.perf_counter(), []
    for number, body in enumerate(itertools.islice(_bodies, int(rate * seconds))):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(refer(embedded.client, body, tokens[body["practice"]], due)))
    return await asyncio.gather(*tasks)


_bodies = referrals(load_localities().real)


def table(seen: Sequence[Seen]) -> str:
    """Milliseconds, as a table in Markdown."""
    lines = ["| milliseconds | p50 | p90 | p99 | longest |", "|---|---|---|---|---|"]
    for name, times in (
        ("POST answered", [each.answered for each in seen if each.answered is not None]),
        ("meeting visible", [each.visible for each in seen if each.visible is not None]),
    ):
        cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99
        figures = (cuts[49], cuts[89], cuts[98], max(times, default=0.0))
        lines.append(f"| {name} | {' | '.join(f'{1000 * figure:.0f}' for figure in figures)} |")
    lost = Counter(each.why_not for each in seen if each.visible is None)
    without = ", ".join(f"{times} {why}" for why, times in lost.items()) or "none"
    return "\n".join([*lines, "", f"{len(seen)} referrals; without a meeting: {without}"])


async def main() -> None:
    """Runs the command and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rate", type=float, default=20, help="referrals a second")
    parser.add_argument("--seconds", type=float, default=30, help="how long, after a warm-up")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before the start {os.getloadavg()[0]:.1f}")
    async with embedded_run() as embedded:
        await at_rate(embedded, asked.rate, WARM_UP_SECONDS)
        before, own = embedded.run.cpu_seconds(), time.process_time()
        seen = await at_rate(embedded, asked.rate, asked.seconds)
        after = embedded.run.cpu_seconds() | {"the clients": time.process_time()}
        spent = {name: after[name] - before.get(name, own) for name in after}
    print(f"{asked.rate:g} referrals a second for {asked.seconds:g} s\n\n{table(seen)}\n")
    each = ", ".join(f"{name} {1000 * cpu / len(seen):.0f}" for name, cpu in spent.items())
    print(f"Milliseconds of processor time for each referral: {each}; in all {sum(spent.values()):.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
