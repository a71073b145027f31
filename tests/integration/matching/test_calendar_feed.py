"""The calendar feed: its secret address is told once, changed and ended. It has references, no identity."""

from datetime import timedelta

import httpx
from icalendar import Calendar

from shared.contract.events import vocabulary as v
from tests.harness.matching.service_harness import MatchingHarness

AT = "/calendar-feed"


async def read(here: MatchingHarness, address: str) -> httpx.Response:
    path = "/matching/" + address.partition("/matching/")[2]
    transport = httpx.ASGITransport(app=here.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://calendar") as http:
        return await http.get(path)


async def test_feed_has_times_places_and_references_alone(here: MatchingHarness) -> None:
    by = here.link_worker()
    await here.put_worker(home_visits=True, leave=[{"first": "2026-11-30", "last": "2026-11-30"}])
    referral = await here.refer(access_needs=(v.AccessNeed.HOME_VISIT,))
    meeting = await here.meeting(referral)
    kept = {"day": "2026-12-01", "begins": "09:00", "ends": "10:00", "kind": "training", "note": "Ring Ada"}
    assert (await here.post("/link-workers/lw-meir-1/appointments", kept, of=by)).status_code == 200
    made = (await here.post(AT, of=by)).json()
    answer = await read(here, made["address"])
    assert answer.headers["content-type"].startswith("text/calendar")
    assert answer.headers["cache-control"] == "no-store"
    events = {str(event["uid"]): event for event in Calendar.from_ical(answer.text).walk("VEVENT")}
    visit = events[f"meeting-{meeting['id']}@linkwork"]
    assert str(visit["summary"]) == f"Appointment {referral[-6:]}"
    assert str(visit["location"]) == "At their home"
    assert visit.decoded("dtstart") == meeting["starts_at"]
    assert visit.decoded("dtend") == meeting["starts_at"] + timedelta(minutes=45)
    assert str(visit["description"]) == "30 minutes of travel before and after."
    assert {str(event["summary"]) for event in events.values()} == {
        f"Appointment {referral[-6:]}",
        "Training",
        "Away",
    }
    assert "Ada" not in answer.text


async def test_address_is_told_once_changed_and_ended(here: MatchingHarness) -> None:
    by = here.link_worker()
    assert (await here.http.get(AT, headers=by)).json() == {"is_on": False, "since": None, "address": None}
    first = (await here.post(AT, of=by)).json()["address"]
    state = (await here.http.get(AT, headers=by)).json()
    assert (state["is_on"], state["address"]) == (True, None)
    stored = str([row async for row in here.kernel.mongo["calendars"].find({})])
    assert first.rpartition("/")[2].removesuffix(".ics") not in stored
    second = (await here.post(AT, of=by)).json()["address"]
    assert (await read(here, first)).status_code == 404
    assert (await read(here, second)).status_code == 200
    await here.put_worker(active=False)
    assert (await read(here, second)).status_code == 404
    await here.put_worker()
    assert (await here.http.delete(AT, headers=by)).json()["is_on"] is False
    assert (await read(here, second)).status_code == 404
    assert (await read(here, "/matching/calendar/x.ics")).status_code == 404
