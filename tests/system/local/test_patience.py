"""A start on a busy machine is waited for while it gets on."""

import asyncio
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.errors import CannotRun
from deploy.local.patience import wait_while_it_gets_on, work_of

LOG = Path("logs/kafka.log")


async def never() -> None:
    await asyncio.Event().wait()


def soon(**different: Any) -> dict[str, Any]:
    return {"name": "Kafka", "log": LOG, "stalled": 0.2, "longest": 60.0, "tell": 60.0} | different


async def test_wait_goes_on_while_progress_is_seen() -> None:
    counter = itertools.count()
    slow = asyncio.sleep(0.8)
    await wait_while_it_gets_on(slow, progress=lambda: next(counter), **soon())


async def test_wait_without_progress_ends_in_a_sentence() -> None:
    with pytest.raises(CannotRun, match=r"Kafka did nothing for 0 s: its log is logs/kafka\.log\."):
        await wait_while_it_gets_on(never(), progress=lambda: 0, **soon())


async def test_wait_has_an_end_though_progress_goes_on() -> None:
    counter = itertools.count()
    with pytest.raises(CannotRun, match="Kafka was not ready within 1 s"):
        await wait_while_it_gets_on(never(), progress=lambda: next(counter), **soon(longest=0.6))


async def test_wait_says_what_it_waits_for() -> None:
    said: list[str] = []
    counter = itertools.count()
    slow = asyncio.sleep(0.8)
    await wait_while_it_gets_on(slow, progress=lambda: next(counter), say=said.append, **soon(tell=0.2))
    assert set(said) == {"Waiting for Kafka, which is still starting ..."}


async def test_failure_of_what_is_waited_for_is_passed_on() -> None:
    async def ends() -> None:
        raise CannotRun("Kafka ended while starting.")

    with pytest.raises(CannotRun, match="ended while starting"):
        await wait_while_it_gets_on(ends(), progress=lambda: 0, **soon())


async def test_work_of_a_busy_process_is_seen_to_grow(tmp_path: Path) -> None:
    log = tmp_path / "busy.log"
    busy = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        first = work_of(busy.pid, log)
        async with asyncio.timeout(30):
            while work_of(busy.pid, log)[0] <= first[0] + 5:
                await asyncio.sleep(0.05)
        before = work_of(busy.pid, log)[1]
        log.write_text("started\n")
        assert work_of(busy.pid, log)[1] > before
    finally:
        busy.kill()
        await busy.wait()
    assert work_of(None, tmp_path / "nowhere") == (0, 0)
