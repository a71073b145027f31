"""The bound of a kernel's stop: neither a hanging stream nor one that fails holds up the others."""

import asyncio

from shared.delivery.stopping import ended_within


async def test_stop_that_hangs_is_cancelled_after_the_bound() -> None:
    ended: list[str] = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def stops() -> None:
        ended.append("stopped")

    async with asyncio.timeout(5):
        await ended_within(0.05, hangs(), stops())
        await asyncio.sleep(0)
    assert ended == ["stopped", "cancelled"]


async def test_stop_that_fails_does_not_end_the_others() -> None:
    ended: list[str] = []

    async def fails() -> None:
        raise ConnectionResetError

    async def stops() -> None:
        await asyncio.sleep(0.01)
        ended.append("stopped")

    await ended_within(5, fails(), stops())
    assert ended == ["stopped"]
