"""Others have their turn while a long batch is worked on."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.chunks import CHUNK, in_chunks


@given(st.integers(0, 5 * CHUNK))
def test_chunks_yield_each_item_in_order_and_let_others_run(count: int) -> None:
    async def gone_through() -> tuple[list[int], int]:
        seen: list[int] = []
        turns = 0

        async def another() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        other = asyncio.create_task(another())
        await asyncio.sleep(0)
        async for some in in_chunks(range(count)):
            assert 0 < len(some) <= CHUNK
            seen += some
        other.cancel()
        return seen, turns

    seen, turns = asyncio.run(gone_through())
    assert seen == list(range(count))
    assert turns >= (count - 1) // CHUNK
