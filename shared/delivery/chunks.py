"""Long loops that yield to the event loop, so that a small batch or a page does not wait for a full batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

# Work on so many referrals takes 5 to 10 ms.
CHUNK: Final = 100
T = TypeVar("T")


async def in_chunks(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Yields the items in chunks; between two chunks the event loop runs other tasks."""
    for start in range(0, len(items), CHUNK):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + CHUNK]
