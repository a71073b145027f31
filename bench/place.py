"""The stores of a measurement: a broker, a database, and a client of the broker's topics."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from bench.stores import Stores, embedded_stores
from bench.topics import Topics


@dataclass(frozen=True)
class Place:
    """Both stores, and the client that makes and fills topics."""

    stores: Stores
    topics: Topics


# Gives a part its place: a new one, or the shared one of a smoke test.
Places = Callable[[], AbstractAsyncContextManager[Place]]


@asynccontextmanager
async def own_place() -> AsyncIterator[Place]:
    """Starts empty stores, and removes them afterwards."""
    async with embedded_stores() as stores, Topics(stores.kafka) as topics:
        yield Place(stores, topics)


def shared(place: Place) -> Places:
    """Starts stores that all parts of a measurement share."""

    @asynccontextmanager
    async def given() -> AsyncIterator[Place]:
        yield place

    return given
