"""The roster while a part changes hands: nothing is written for another owner, and nothing half."""

from datetime import date
from typing import Any

from services.matching.collections import LINK_WORKERS
from shared.contract.events import outcomes as o
from shared.delivery.ownership.flip import decides_again, stop_deciding
from tests.harness.control import until
from tests.harness.matching.service_harness import MatchingHarness

AWAY = "urn:linkwork:problem:away"


async def row_of(here: MatchingHarness) -> Any:
    row = await here.kernel.mongo[LINK_WORKERS].find_one({"_id": "lw-meir-1"})
    assert row is not None
    return row


def leave(day: date) -> dict[str, str]:
    return {"first": day.isoformat(), "last": day.isoformat()}


async def test_leave_while_casework_changes_hands_is_not_written(here: MatchingHarness) -> None:
    referral = await here.refer()
    met = await here.meeting(referral)
    before, days = await row_of(here), leave(met["starts_at"].date())
    await stop_deciding(here.kernel.mongo, here.slug, "casework", 0)
    for path, body in (("leave", days), ("off-sick", None)):
        refused = await here.post(f"/link-workers/lw-meir-1/{path}", body, of=here.link_worker())
        assert (refused.status_code, refused.json()["type"]) == (503, AWAY), path
    assert await row_of(here) == before
    assert (await here.meeting(referral))["id"] == met["id"]


async def test_leave_while_booking_changes_hands_waits_for_its_owner(here: MatchingHarness) -> None:
    referral = await here.refer()
    met = await here.meeting(referral)
    days = leave(met["starts_at"].date())
    await stop_deciding(here.kernel.mongo, here.slug, "booking", 0)
    stored = await here.post("/link-workers/lw-meir-1/leave", days, of=here.link_worker())
    assert (stored.status_code, stored.json()) == (200, {"to_ring": []})
    assert days in (await row_of(here))["leave"]
    assert await here.published(o.MeetingCancelled, referral) == []
    # The hand-over is undone, and the leave is put again: it moves the meeting.
    await decides_again(here.kernel.mongo, here.slug, "booking", 0)
    await until(lambda: here.kernel.decides(here.slug, "booking"), "booking")
    again = await here.post("/link-workers/lw-meir-1/leave", days, of=here.link_worker())
    assert again.status_code == 200, again.text
    assert (await here.meeting(referral))["starts_at"].date() > met["starts_at"].date()
