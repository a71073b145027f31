"""A part that is elsewhere for as long as a block runs, and any fact of its stub as a model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.contract.events.envelope import read_body
from shared.contract.events.models import EventBody
from shared.contract.events.topics import EVENTS
from shared.delivery.kernel import Kernel
from shared.delivery.ownership.standing import OWNERSHIP
from shared.platform.localities import Localities
from tests.harness.parts.owned import owned_by

SAID = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def decides_again(kernel: Kernel[Any, Any], slug: str, part: str) -> None:
    """Takes back that the kernel stood back from a part, when the test's table has it as ours again.

    A hand-over back writes markers; tests that share a service leave it as they found it.
    """
    which = {"locality": slug, "part": part}
    as_before = {"epoch": 0, "decides": True, "looked": True}
    await kernel.mongo[OWNERSHIP].update_many(which, {"$set": as_before})
    await kernel._ownership.refresh()


@contextmanager
def owned(
    tables: Sequence[Localities], slug: str, part: str, name: str, address: str | None
) -> Iterator[None]:
    """This source owns the part by all of these tables, while the block runs."""
    before = [table.numbered(table.version, {}) for table in tables]
    for table in tables:
        table.become(owned_by(table, slug, part, name, address))
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            table.become(old)


def fact_of(event: str, body: Mapping[str, Any]) -> EventBody:
    """A stub's fact as a model."""
    named = next(each for each in EVENTS if each == event)
    found = read_body(named, orjson.dumps(body), SAID)
    assert isinstance(found, EventBody), found
    return found
