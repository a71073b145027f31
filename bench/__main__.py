"""Runs the whole measurement, or parts of it.

    python -m bench [--size usual] [--only kernel,latency]

Each part keeps its result in bench/measured/<part>.json, and docs/performance.md and its picture are made of
all results. A part that is not measured this time stays as it was, with its own date.
"""

import argparse
import asyncio
import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import uvloop

from bench import (
    admission,
    catch_up,
    comparison,
    figures_page,
    find_people,
    growth,
    kernel_latency,
    latency,
    slots,
)
from bench.machine import described, load
from bench.place import Places, own_place, shared
from bench.publishing import KEPT, publish, whole
from bench.scale import localities, replicas
from bench.sizes import SIZES, SMOKE, Size
from deploy.version import version

Measure = Callable[[Size, Places, Callable[[str], None]], Awaitable[dict[str, Any]]]
PARTS: Final[Mapping[str, Measure]] = {
    "kernel": comparison.measure,
    "kernel-long": comparison.measure_over_many,
    "kernel-latency": kernel_latency.measure,
    "latency": latency.measure,
    "admission": admission.measure,
    "catch-up": catch_up.measure,
    "growth": growth.measure,
    "page": figures_page.measure,
    "replicas": replicas.measure,
    "localities": localities.measure,
    "find": find_people.measure,
    "slots": slots.measure,
}
# Measured by `make bench-scale` alone: each starts the whole system by itself.
APART: Final = ("replicas", "localities")


def command(part: str, size: Size) -> str:
    """The command that measures a part."""
    if part in APART:
        return "make bench-scale" + (" SIZE=localities" if part == "localities" else "")
    return f"make bench ONLY={part}" + ("" if size.name == "usual" else f" SIZE={size.name}")


async def measured(part: str, size: Size, places: Places) -> dict[str, Any]:
    """Measures one part. Its result says where and when it was measured."""
    print(f"{part} ({size.name})", flush=True)
    began, loaded = time.monotonic(), load()
    result = await PARTS[part](size, places, lambda line: print(f"  {line}", flush=True))
    return {
        "part": part,
        "command": command(part, size),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "version": version(),
        "machine": described(),
        "load_before": loaded,
        "took_seconds": time.monotonic() - began,
        "size": size.name,
        "result": result,
    }


async def measured_and_kept(parts: Sequence[str], size: Size) -> list[str]:
    """Measures each part in stores of its own, and writes page and picture after each. Returns failures."""
    failed = []
    for part in parts:
        try:
            found = await measured(part, size, own_place)
        except Exception:  # the others are measured all the same
            traceback.print_exc()
            failed.append(part)
            continue
        print(whole([found]), flush=True)
        KEPT.mkdir(exist_ok=True)
        (KEPT / f"{part}.json").write_text(json.dumps(found, indent=1) + "\n")
        publish()
    return failed


async def looked_at(parts: Sequence[str], size: Size) -> list[str]:
    """Runs all parts in the same stores, to see that each works. Keeps nothing. Raises a part's error."""
    async with own_place() as place:
        for part in parts:
            print(whole([await measured(part, size, shared(place))]), flush=True)
    return []


def main() -> None:
    """Runs the command. Exits with 1 if a part failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--size", choices=SIZES, default="usual")
    parser.add_argument("--only", default="", help=f"parts, with commas: {', '.join(PARTS)}")
    asked = parser.parse_args()
    only = [part for part in asked.only.split(",") if part] or [part for part in PARTS if part not in APART]
    if unknown := set(only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # topics come and go here
    size, began = SIZES[asked.size], time.monotonic()
    work = looked_at if size is SMOKE else measured_and_kept
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        failed = runner.run(work(only, size))
    print(f"{len(only)} parts in {time.monotonic() - began:.0f} s")
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)} (the reasons are above)")


if __name__ == "__main__":
    main()
