"""Rooms over API and pages, and two link workers who share one."""

import asyncio

from tests.harness.matching.service_harness import MatchingHarness, hours
from tests.harness.web.forms import hidden_fields, send_form
from tests.integration.matching.test_roster_pages import admin

HOME = "/matching/administration/rooms"
ROOM = {"site": "Primary Care Centre", "name": "room 9", "capacity": "1", "active": "yes"}


async def add_room(here: MatchingHarness, capacity: int = 1) -> str:
    name = f"room-{here.slug}-1"
    entry = {"id": name, "locality": here.slug, "site": "Centre", "name": "room 9", "capacity": capacity}
    answer = await here.http.put(f"/rooms/{name}", json=entry, headers=here.admin())
    assert answer.status_code == 200, answer.text
    return name


async def test_link_workers_who_share_a_room_never_meet_in_it(here: MatchingHarness) -> None:
    room = await add_room(here)
    shared = [{**each, "room": room} for each in hours(range(5))]
    for name in ("lw-meir-1", "lw-meir-2"):
        await here.put_worker(name, hours=shared)
    referrals = await asyncio.gather(*(here.refer() for _ in range(12)))
    meetings = [await here.meeting(referral) for referral in referrals]
    assert len({meeting["starts_at"] for meeting in meetings}) == len(meetings)
    held = [
        one["i"] async for day in here.kernel.mongo["room_days"].find({"room": room}) for one in day["held"]
    ]
    assert sorted(held) == sorted(meeting["id"] for meeting in meetings)
    # Without the room in their hours, its times are free again.
    for name in ("lw-meir-1", "lw-meir-2"):
        await here.put_worker(name)
    assert [
        day["held"] async for day in here.kernel.mongo["room_days"].find({"held.0": {"$exists": True}})
    ] == []


async def test_room_is_added_changed_and_undone_on_pages(here: MatchingHarness) -> None:
    async with admin(here) as client:
        new = f"{HOME}/add/{here.slug}"
        wrong = await send_form(client, new, new, ROOM | {"capacity": "none"})
        assert "from 1 to 20" in wrong.text
        added = await send_form(client, new, new, ROOM)
        assert added.status_code == 303, added.text
        name = added.headers["location"].rpartition("room=")[2]
        changed = await send_form(client, f"{HOME}/{name}", f"{HOME}/{name}", ROOM | {"capacity": "3"})
        page = await client.get(changed.headers["location"])
        assert "3 appointments at a time" in page.text
        assert (await client.post(f"{HOME}/{name}/undo", data=hidden_fields(page.text))).status_code == 303
        assert "1 appointment at a time" in (await client.get(HOME)).text
        assert (await client.get(f"{HOME}/add/elsewhere")).status_code == 404
    rooms = (await here.http.get("/rooms", headers=here.admin())).json()["rooms"]
    assert [(each["room"]["capacity"], each["may_undo"]) for each in rooms] == [(1, False)]
    audited = [
        each async for each in here.kernel.mongo["audit"].find({"codes": f"room={name}"}).sort("at", 1)
    ]
    assert sorted(each["action"] for each in audited) == ["put_room", "put_room", "undo_room"]
    assert {(each["caller"], each["locality"]) for each in audited} == {("admin", here.slug)}
    assert (await here.http.get("/rooms", headers=here.link_worker())).status_code == 403


async def test_hours_take_over_the_words_of_their_room(here: MatchingHarness) -> None:
    room = await add_room(here)
    await here.put_worker(hours=[{**each, "room": room} for each in hours(range(2))])
    entry = {"id": room, "locality": here.slug, "site": "New Centre", "name": "room 1"}
    assert (await here.http.put(f"/rooms/{room}", json=entry, headers=here.admin())).status_code == 200
    known = await here.http.get("/link-workers/lw-meir-1", headers=here.admin())
    assert {each["place"] for each in known.json()["entry"]["hours"]} == {"New Centre, room 1"}
    unknown = [{**each, "room": "room-nowhere"} for each in hours(range(2))]
    body = known.json()["entry"] | {"hours": unknown}
    refused = await here.http.put("/link-workers/lw-meir-1", json=body, headers=here.admin())
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "unknown_room"
