"""The referrals that are looked at when booking has become ours again, and their order."""

from datetime import timedelta

from services.matching.booking.repository import to_look_at
from tests.harness.matching.service_harness import MatchingHarness


async def test_look_begins_with_referrals_that_have_meetings(here: MatchingHarness) -> None:
    waits = await here.refer()
    later = (here.clock.now + timedelta(days=30)).date()
    done = await here.post(f"/referrals/{waits}/later", {"on": later.isoformat()}, of=here.link_worker())
    assert done.status_code == 200
    booked = {await here.refer(), await here.refer()}
    first, second = await to_look_at(here.kernel.mongo, here.slug, here.clock.now)
    assert (set(first), set(second)) == (booked, booked | {waits})
