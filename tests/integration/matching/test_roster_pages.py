"""Link workers and their leave, kept from pages and over the API."""

import re
from datetime import timedelta
from typing import Any

import httpx

from services.matching.calendar import london_day
from services.matching.roster.link_workers import Leave
from shared.platform.web.session_keeping import RememberedSessions
from tests.harness.matching.service_harness import OTHER_PRACTICE, PRACTICE, MatchingHarness
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.harness.web.issuer import LoopbackIssuer

HOME = "/matching/administration/link-workers"
DETAILS = {
    "name": "Gareth Sillitoe",
    "email": "gareth@links.example",
    "telephone": "01632 960402",
    "languages": ["en", "ur"],
    "ways": ["home", "video"],
    "meeting_minutes": "60",
    "caseload_limit": "30",
    "caseload_weight": "50",
    "active": "yes",
}
HOURS = {
    "rows": "2",
    "hours-0-weekday": "1",
    "hours-0-opens": "9",
    "hours-0-closes": "12.30",
    "hours-0-place": "Room 2",
    "hours-0-practices": [PRACTICE, OTHER_PRACTICE],
}


def admin(here: MatchingHarness) -> httpx.AsyncClient:
    """A browser of the programme's administrator."""
    return browser(here.app, cookies(here, "programme_admin", subject="admin"))


def own(here: MatchingHarness) -> httpx.AsyncClient:
    """A browser of the link worker."""
    return browser(here.app, cookies(here, "link_worker", link_worker="lw-meir-1", subject="lw-meir-1"))


class OpenSessions:
    """Says of the issuer's sessions that they are open, as the referral service would."""

    def __init__(self, issuer: LoopbackIssuer) -> None:
        self._issuer = issuer

    async def is_open(self, digest: str) -> bool:
        return digest in self._issuer.sessions


def cookies(here: MatchingHarness, role: str, **claims: Any) -> dict[str, str]:
    now = int(here.clock.now.timestamp())
    times = {"iat": now - 5, "nbf": now - 5, "exp": now + 3600}
    here.app.state.session_check = RememberedSessions(OpenSessions(here.issuer))
    return here.issuer.signed_in(here.app, role=role, localities=[here.slug], **times, **claims)


async def entry(here: MatchingHarness, name: str) -> dict[str, Any]:
    found = await here.http.get("/link-workers", headers=here.admin())
    assert found.status_code == 200, found.text
    return next(each for each in found.json()["link_workers"] if each["entry"]["id"] == name)


async def test_link_worker_is_added_changed_and_undone_on_pages(here: MatchingHarness) -> None:
    async with admin(here) as client:
        new = f"{HOME}/add/{here.slug}"
        wrong = await send_form(client, new, new, DETAILS | {"email": "gareth", "meeting_minutes": "5"})
        assert wrong.status_code == 422
        assert "like name@service.example" in wrong.text
        assert "from 15 to 120 minutes" in wrong.text
        assert 'value="Gareth Sillitoe"' in wrong.text
        added = await send_form(client, new, new, DETAILS)
        assert added.status_code == 303, added.text
        at = added.headers["location"].partition("/hours")[0]
        name = at.rpartition("/")[2]
        known = (await entry(here, name))["entry"]
        assert (known["caseload_weight"], known["home_visits"], known["telephone_meetings"]) == (
            50,
            True,
            False,
        )

        # The clicks of a rota change: this page from the list, and Save.
        overlaps = HOURS | {f"hours-1-{key[8:]}": value for key, value in HOURS.items() if key[:5] == "hours"}
        assert "overlap other hours" in (await send_form(client, f"{at}/hours", f"{at}/hours", overlaps)).text
        dayless = HOURS | {"hours-1-opens": "9am"}
        assert "Choose the day" in (await send_form(client, f"{at}/hours", f"{at}/hours", dayless)).text
        saved = await send_form(client, f"{at}/hours", f"{at}/hours", HOURS | {"hours-0-opens": "9am"})
        assert saved.status_code == 303, saved.text
        hours = (await entry(here, name))["entry"]["hours"]
        assert [(each["weekday"], each["opens"], each["closes"]) for each in hours] == [
            (1, "09:00:00", "12:30:00")
        ]

        page = await client.get(saved.headers["location"])
        assert "The change is saved." in page.text
        undone = await client.post(f"{at}/undo", data=hidden_fields(page.text))
        assert undone.status_code == 303, undone.text
        after = await entry(here, name)
        assert (after["entry"]["hours"], after["may_undo"]) == ([], False)
        assert (await client.post(f"{at}/undo", data=hidden_fields(page.text))).status_code == 409


async def test_change_of_an_older_page_is_refused(here: MatchingHarness) -> None:
    async with admin(here) as client:
        at = f"{HOME}/lw-meir-1"
        old = hidden_fields((await client.get(f"{at}/hours")).text)
        assert (await send_form(client, f"{at}/hours", f"{at}/hours", HOURS)).status_code == 303
        late = await client.post(f"{at}/hours", data=old | HOURS | {"hours-0-place": "Room 3"})
        assert late.status_code == 422
        assert "changed meanwhile" in late.text
    assert (await entry(here, "lw-meir-1"))["entry"]["hours"][0]["place"] == "Room 2"


async def test_link_workers_are_not_kept_by_link_workers(here: MatchingHarness) -> None:
    async with own(here) as client:
        for path in (HOME, f"{HOME}/lw-meir-1", f"{HOME}/lw-meir-1/leave", "/matching/administration"):
            assert (await client.get(path)).status_code == 403, path
    assert (await here.http.get("/link-workers", headers=here.link_worker())).status_code == 403
    async with admin(here) as client:
        assert (await client.get(f"{HOME}/add/elsewhere")).status_code == 404
        assert (await client.get(f"{HOME}/lw-nowhere-1")).status_code == 404
        assert (await client.get("/matching/administration")).status_code == 200


async def test_leave_is_shown_before_it_is_recorded_and_undone(here: MatchingHarness) -> None:
    referral = await here.refer()
    before = await here.meeting(referral)
    async with own(here) as client:
        nothing = await send_form(client, "/matching/leave", "/matching/leave/preview", {})
        assert "Choose when they are away" in nothing.text
        shown = await send_form(client, "/matching/leave", "/matching/leave/preview", {"when": "today"})
        assert shown.status_code == 200
        assert "1 appointment is in this time. Nothing is changed yet." in re.sub(r"\s+", " ", shown.text)
        assert await here.meeting(referral) == before
        recorded = await client.post("/matching/leave", data=hidden_fields(shown.text))
        assert recorded.status_code == 200
        moved = await here.meeting(referral)
        assert moved["starts_at"].date() > before["starts_at"].date()
        undone = await client.post("/matching/leave/undo", data=hidden_fields(recorded.text))
        assert "is at the old time again" in undone.text
    assert (await here.meeting(referral))["starts_at"] == before["starts_at"]


async def test_preview_tells_the_times_that_the_leave_gives(here: MatchingHarness) -> None:
    referrals = [await here.refer() for _ in range(2)]
    path, days = "/link-workers/lw-meir-1/leave", {"first": london_day(here.clock.now).isoformat()}
    shown = (await here.post(f"{path}/preview", days, of=here.admin())).json()
    assert shown["moved_by"] is None
    preview = {each["case"]["referral_id"]: each["now"]["starts_at"] for each in shown["meetings"]}
    assert sorted(preview) == sorted(referrals)
    done = (await here.post(path, days, of=here.admin())).json()
    assert {each["case"]["referral_id"]: each["now"]["starts_at"] for each in done["to_ring"]} == preview


async def test_sickness_without_an_end_lasts_until_it_is_ended(here: MatchingHarness) -> None:
    day = london_day(here.clock.now)
    async with admin(here) as client:
        at = f"{HOME}/lw-meir-1/leave"
        fields = {"when": "days", "part": "unknown"} | {
            f"first-{part}": str(getattr(day, part)) for part in ("day", "month", "year")
        }
        shown = await send_form(client, at, f"{at}/preview", fields)
        assert (await client.post(at, data=hidden_fields(shown.text))).status_code == 200
        referral = await here.refer()
        assert (await here.until(referral, lambda view: view["waiting"]))["active"] is None
        page = await client.get(at)
        assert "end not known yet" in page.text
        back = day + timedelta(days=2)
        ended = await client.post(
            f"{at}/end",
            data=hidden_fields(page.text)
            | {f"back-{part}": str(getattr(back, part)) for part in ("day", "month", "year")},
        )
        assert ended.status_code == 303, ended.text
    left = (await entry(here, "lw-meir-1"))["entry"]["leave"]
    assert [Leave.model_validate(each).last for each in left] == [day + timedelta(days=1)]
    assert (await here.meeting(referral))["starts_at"].date() >= back
