"""Others have their turn while a long batch is worked on."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.chunks import AT_A_TIME, in_chunks


@given(st.integers(0, 5 * AT_A_TIME))
def test_every_item_comes_once_and_in_order_and_others_run_in_between(count: int) -> None:
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
            assert 0 < len(some) <= AT_A_TIME
            seen += some
        other.cancel()
        return seen, turns

    seen, turns = asyncio.run(gone_through())
    assert seen == list(range(count))
    assert turns >= (count - 1) // AT_A_TIME
