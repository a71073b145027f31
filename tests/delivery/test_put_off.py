"""How long what is due is put off: for what says nothing of it, a moment only, however often that happens."""

from datetime import timedelta

import pytest

from shared.delivery.due_rows import put_off
from shared.delivery.round import DUE
from tests.delivery.toy import Bench


@pytest.mark.parametrize(("why", "least", "most"), [("conflict", 0, 4), ("not_now", 1000, 1100)])
async def test_a_conflict_puts_off_for_seconds_and_a_gateway_that_is_away_ever_longer(
    place: Bench, why: str, least: int, most: int
) -> None:
    kernel = place.kernel()
    # As the database keeps times: to the millisecond.
    now = kernel.clock().replace(microsecond=0)
    row = {"_id": "a row", "what": "anything", "at": now, "attempt": 9}
    await kernel.mongo[DUE].insert_one(dict(row))
    try:
        await put_off(kernel._worker, row, why)
        after = kernel.clock()
        kept = await kernel.mongo[DUE].find_one({"_id": "a row"})
    finally:
        await kernel.mongo.close()
    assert kept is not None
    # Between two looks at the clock, however long a busy machine took in between.
    assert now + timedelta(seconds=least) <= kept["at"] <= after + timedelta(seconds=most)
    assert kept["attempt"] == 10
