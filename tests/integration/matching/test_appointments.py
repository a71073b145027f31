"""Appointments over HTTP: they move meetings, are taken back, and never share a time with a booking."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

from services.matching.booking.appointments_repository import appointments_between
from shared.contract.events import outcomes as o
from tests.harness.matching.service_harness import MatchingHarness

AT = "/link-workers/lw-meir-1/appointments"


def morning(day: str, **more: Any) -> dict[str, Any]:
    return {"day": day, "begins": "09:00", "ends": "12:00", "kind": "training", "note": "Level 2"} | more


async def test_appointment_moves_meetings_and_gives_them_back(here: MatchingHarness) -> None:
    by = here.link_worker()
    referral = await here.refer()
    was = await here.meeting(referral)
    day = was["starts_at"].date().isoformat()
    previewed = await here.post(f"{AT}/preview", morning(day), of=by)
    (shown,) = previewed.json()["meetings"]
    assert shown["case"]["referral_id"] == referral
    refused = await here.post(AT, morning(day), of=by)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:meetings_there")
    assert (await here.meeting(referral))["id"] == was["id"]

    done = (await here.post(AT, morning(day, move_meetings=True), of=by)).json()
    again = (await here.post(AT, morning(day, move_meetings=True), of=by)).json()
    assert done == again
    assert [each["case"]["referral_id"] for each in done["to_ring"]] == [referral]
    moved = await here.meeting(referral)
    assert moved["starts_at"].date() > was["starts_at"].date()
    assert datetime.fromisoformat(shown["now"]["starts_at"]) == moved["starts_at"]
    assert len(await here.published(o.MeetingCancelled, referral)) == 1
    (shown,) = (await here.http.get("/diaries", params={"from": day}, headers=by)).json()["days"]
    assert [(each["kind"], each["note"]) for each in shown["appointments"]] == [("training", "Level 2")]
    assert (shown["free"], shown["meetings"]) == ([], [])
    asked = {"from": day, "link_worker": "lw-meir-1"}
    (theirs,) = (await here.http.get("/diaries", params=asked, headers=here.admin())).json()["days"]
    assert theirs["appointments"][0]["note"] == ""

    one = f"{AT}/{done['appointment']['appointment_id']}"
    assert (await here.post(f"{one}/remove", of=by)).json()["appointment"]["removed"] is True
    assert (await here.meeting(referral))["starts_at"] == was["starts_at"]
    back = await here.post(f"{one}/put-back", of=by)
    assert (back.status_code, back.json()["type"]) == (409, "urn:linkwork:problem:meetings_there")
    await here.no_time_is_held_twice()


async def test_removed_appointment_is_put_back_while_its_time_is_free(here: MatchingHarness) -> None:
    by = here.link_worker()
    done = (await here.post(AT, morning("2026-12-01"), of=by)).json()
    one = f"{AT}/{done['appointment']['appointment_id']}"
    await here.post(f"{one}/remove", of=by)
    (day,) = (await here.http.get("/diaries", params={"from": "2026-12-01"}, headers=by)).json()["days"]
    assert (day["appointments"], len(day["free"])) == ([], 4)
    assert (await here.post(f"{one}/put-back", of=by)).json()["appointment"]["removed"] is False
    (day,) = (await here.http.get("/diaries", params={"from": "2026-12-01"}, headers=by)).json()["days"]
    assert (len(day["appointments"]), day["free"]) == (1, [])


async def test_weekly_appointment_moves_and_frees_every_week(here: MatchingHarness) -> None:
    by = here.link_worker()
    referral = await here.refer()
    was = await here.meeting(referral)
    days = [was["starts_at"].date() + timedelta(days=7 * n) for n in range(4)]
    weekly = morning(days[0].isoformat(), repeats_until=days[-1].isoformat())
    (shown,) = (await here.post(f"{AT}/preview", weekly, of=by)).json()["meetings"]
    assert shown["case"]["referral_id"] == referral
    refused = await here.post(AT, weekly, of=by)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:linkwork:problem:meetings_there")
    assert await kept(here, days) == []

    done = (await here.post(AT, weekly | {"move_meetings": True}, of=by)).json()
    assert [each["starts_at"][:10] for each in done["later"]] == [day.isoformat() for day in days[1:]]
    assert [each["case"]["referral_id"] for each in done["to_ring"]] == [referral]
    assert (await here.meeting(referral))["id"] != was["id"]
    assert await kept(here, days) == days

    await here.post(f"{AT}/{done['later'][0]['appointment_id']}/remove?later=true", of=by)
    assert await kept(here, days) == days[:1]
    one = f"{AT}/{done['appointment']['appointment_id']}"
    gone = (await here.post(f"{one}/remove", of=by)).json()
    assert [each["removed"] for each in (gone["appointment"], *gone["later"])] == [True] * 4
    assert (await here.meeting(referral))["starts_at"] == was["starts_at"]
    back = await here.post(f"{one}/put-back?later=true", of=by)
    assert (back.status_code, back.json()["type"]) == (409, "urn:linkwork:problem:meetings_there")
    assert await kept(here, days) == []
    await here.no_time_is_held_twice()


async def kept(here: MatchingHarness, days: list[date]) -> list[date]:
    """Those of these days on which time is kept free."""
    found = await appointments_between(here.kernel.mongo, ["lw-meir-1"], days[0], days[-1])
    return [each.starts_at.date() for each in found]


async def test_appointments_that_make_no_sense_are_refused(here: MatchingHarness) -> None:
    by = here.link_worker()
    for body, code in (
        (morning("2026-12-01", ends="08:00"), "appointment_times"),
        (morning("2026-11-01"), "appointment_over"),
        (morning("2028-11-01"), "appointment_far"),
        (morning("2026-12-01", repeats_until="2026-12-05"), "appointment_until"),
        (morning("2026-12-01", note="999 000 0018"), "note_number"),
    ):
        answer = await here.post(AT, body, of=by)
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:linkwork:problem:{code}")
        assert "999" not in answer.text


async def test_bookings_and_appointments_at_once_share_no_time(here: MatchingHarness) -> None:
    by = here.link_worker()

    async def keep(day: str) -> None:
        answer = await here.post(AT, morning(day, begins="09:00", ends="10:00", move_meetings=True), of=by)
        assert answer.status_code == 200, answer.text

    days = [f"2026-11-{number}" for number in (23, 24, 25, 26, 27)]
    async with asyncio.TaskGroup() as group:
        referred = [group.create_task(here.refer()) for _ in range(8)]
        for day in days:
            group.create_task(keep(day))
    for referral in [each.result() for each in referred]:
        starts = (await here.meeting(referral))["starts_at"]
        assert starts.hour != 9, starts  # nine to ten is kept free on every day
    await here.no_time_is_held_twice()
