"""Long loops in which others have their turn: a small batch, or a page, must not wait for a full batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

AT_A_TIME: Final = 100
"""Referrals for which 5 to 10 ms are enough."""
T = TypeVar("T")


async def in_chunks(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """The items, some at a time; between these, whatever else is ready runs."""
    for start in range(0, len(items), AT_A_TIME):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + AT_A_TIME]
