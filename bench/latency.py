"""Measures the whole embedded run, from a POST to its meeting, booked and visible."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.journey import WARM_UP_SECONDS, Seen, at_rate, embedded_run
from bench.place import Places
from bench.sizes import Size
from bench.statistics import short, summary

_TOO_SLOW_SECONDS = 2.0


async def measure(size: Size, _: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Percentiles at each rate, up to the first that is too high. The run brings its own stores."""
    measured: list[dict[str, Any]] = []
    async with embedded_run() as embedded:
        await at_rate(embedded, min(20, *size.rates), min(WARM_UP_SECONDS, size.seconds))
        for rate in size.rates:
            before, own = embedded.run.cpu_seconds(), time.process_time()
            seen = await at_rate(embedded, rate, size.seconds)
            after = embedded.run.cpu_seconds() | {"the clients": time.process_time()}
            spent = {name: after[name] - before.get(name, own) for name in after}
            measured.append(row(rate, seen, spent))
            say(f"{rate} referrals/s: {short(measured[-1])}")
            if too_slow(measured[-1]):
                break
    untried = [rate for rate in size.rates if rate > measured[-1]["rate"]]
    return {"rates": measured, "untried": untried, "seconds": size.seconds}


def row(rate: float, seen: Sequence[Seen], cpu: Mapping[str, float]) -> dict[str, Any]:
    """The results at one rate; `cpu` by process is in milliseconds a referral."""
    visible = [each.visible for each in seen if each.visible is not None]
    lost = Counter(each.why_not for each in seen if each.visible is None)
    each = {name: 1000 * seconds / len(seen) for name, seconds in cpu.items()}
    return {"rate": rate, **summary(visible, sum(lost.values())), "why_not": dict(lost), "cpu_ms": each}


def too_slow(measured: Mapping[str, Any]) -> bool:
    """Tests whether referrals pile up: a higher rate would only measure the queue."""
    median = measured["p50"]
    return median is None or median > 1000 * _TOO_SLOW_SECONDS
