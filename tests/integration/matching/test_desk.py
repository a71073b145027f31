"""The manager's desk over HTTP: figures, the lists behind them, the nightly check, and supervision."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from services.matching.clients.messages import FailedMessages
from services.matching.collections import SUPERVISIONS
from services.matching.programme.desk import checking
from services.matching.programme.desk.case_lists import LISTS
from shared.platform import metrics
from shared.platform.clock import london_day
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import MatchingHarness


def manager(here: MatchingHarness, **claims: Any) -> dict[str, str]:
    return here.bearer("manager", **{"subject": "boss"} | claims)


async def test_each_figure_opens_the_cases_that_it_counts(
    here: MatchingHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await here.put_worker("lw-meir-2", name="Gareth Sillitoe", hours=[])
    for _ in range(3):
        await here.refer()
    met, _ = await prescribed(here)
    here.clock.now += timedelta(days=50)
    of = manager(here)
    rows = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert [(row["name"], row["open_cases"]) for row in rows] == [
        ("Gareth Sillitoe", 0),
        ("Priya Wainwright", 4),
    ]
    mine = rows[1]
    assert mine["counts"]["stage-booked"] == 3
    assert mine["counts"]["not-recorded"] == 3
    assert mine["counts"]["no-plan"] == 1
    assert mine["people_this_year"] == 4
    assert mine["contact_p90"] >= 49
    assert mine["supervision"] == {"last": None, "next": None, "overdue": True}
    with caplog.at_level(logging.INFO, "linkwork.audit"):
        for code, count in mine["counts"].items():
            path = f"/desk/lists/{code}?locality={here.slug}&link_worker=lw-meir-1"
            opened = (await here.http.get(path, headers=of)).json()
            assert opened["count"] == len(opened["cases"]) == count, code
    said = [vars(each) for each in caplog.records if each.name == "linkwork.audit"]
    assert {(each["action"], each["caller"]) for each in said} == {("open_list", "boss")}
    assert {each["purpose"] for each in said} == {f"list:{code}" for code in mine["counts"]}
    (quality,) = (await here.http.get("/desk/quality", headers=of)).json()["localities"]
    assert quality["open_cases"] == 4
    assert set(quality["counts"]) == {each.code for each in LISTS}
    everything = await here.http.get(f"/desk/lists/no-plan?locality={here.slug}", headers=of)
    assert [case["referral_id"] for case in everything.json()["cases"]] == [met]


async def test_desk_is_of_the_managers_localities_alone(here: MatchingHarness) -> None:
    await here.refer()
    of = manager(here, localities=["elsewhere"])
    rows = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert rows == []
    for path in (f"/desk/lists/overdue?locality={here.slug}", "/desk/lists/nonsense?locality=elsewhere"):
        assert (await here.http.get(path, headers=of)).status_code == 404
    body = {"link_worker": "lw-meir-1", "held_on": "2026-11-23"}
    assert (await here.post("/supervisions", body, of=of)).status_code == 404


async def test_failed_messages_open_their_cases(
    here: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.refer()
    untold = await here.refer()
    known: list[str] | None = [untold, "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"]

    async def referrals(*_: Any) -> list[str] | None:
        return known

    monkeypatch.setattr(FailedMessages, "referrals", referrals)
    of = manager(here)
    (row,) = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert row["failed_messages"] == 1
    path = f"/desk/lists/message-failed?locality={here.slug}&link_worker=lw-meir-1"
    opened = (await here.http.get(path, headers=of)).json()
    assert [case["referral_id"] for case in opened["cases"]] == [untold]
    known = None
    (row,) = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert row["failed_messages"] is None
    assert (await here.http.get(path, headers=of)).status_code == 503


async def test_desk_tells_half_days_and_open_ends_of_leave(here: MatchingHarness) -> None:
    today = london_day(here.clock.now)
    half = {"first": today.isoformat(), "last": today.isoformat(), "half": "am"}
    sick = {"first": (today + timedelta(days=3)).isoformat(), "end_unknown": True}
    away = "/link-workers/lw-meir-1/leave"
    for leave in (half, sick):
        done = await here.post(away, leave, of=here.admin())
        assert done.status_code == 200, done.text
    (row,) = (await here.http.get("/desk", headers=manager(here))).json()["link_workers"]
    assert [(each["first"], each["half"], each["end_unknown"]) for each in row["leave"]] == [
        (half["first"], "am", False),
        (sick["first"], None, True),
    ]


async def test_cases_of_somebody_who_left_are_nobodys(here: MatchingHarness) -> None:
    referral = await here.refer()
    await here.put_worker(active=False)
    of = manager(here)
    (row,) = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert (row["link_worker"], row["open_cases"], row["counts"]["stage-booked"]) == (None, 1, 1)
    path = f"/desk/lists/stage-booked?locality={here.slug}&link_worker=nobody"
    opened = (await here.http.get(path, headers=of)).json()
    assert [case["referral_id"] for case in opened["cases"]] == [referral]


async def test_nightly_check_counts_what_differs(
    here: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.refer()
    desk = here.app.state.features.queries.desk
    assert await checking.check(desk) == {}
    honest = type(desk).listed

    async def forgetful(*given: Any, **more: Any) -> Any:
        return (await honest(*given, **more))[1:]

    monkeypatch.setattr(type(desk), "listed", forgetful)
    found = await checking.check(desk)
    assert found[here.slug, "stage-booked"] == 2, "the link worker's count, and the locality's"
    seen = metrics.counts_disagree.labels(here.slug, "stage-booked")
    assert seen._value.get() == 2


async def test_one_process_checks_a_night(here: MatchingHarness) -> None:
    desk = here.app.state.features.queries.desk
    here.clock.now = here.clock.now.replace(hour=3, minute=0)
    assert not await checking.claims_night(desk)
    here.clock.now = here.clock.now.replace(hour=4)
    assert await checking.claims_night(desk)
    assert not await checking.claims_night(desk)
    here.clock.now += timedelta(days=1)
    assert await checking.claims_night(desk)


async def test_session_is_recorded_read_and_withdrawn(here: MatchingHarness) -> None:
    referral = await here.refer()
    of = manager(here)
    body = {
        "link_worker": "lw-meir-1",
        "held_on": "2026-11-23",
        "next_on": "2026-12-21",
        "cases": [{"referral": referral}],
    }
    done = await here.post("/supervisions", body, of=of, key="once")
    assert done.status_code == 201, done.text
    again = await here.post("/supervisions", body, of=of, key="once")
    assert again.json()["session"]["session_id"] == done.json()["session"]["session_id"]
    assert await here.kernel.mongo[SUPERVISIONS].count_documents({"locality": here.slug}) == 1
    (row,) = (await here.http.get("/desk", headers=of)).json()["link_workers"]
    assert row["supervision"] == {"last": "2026-11-23", "next": "2026-12-21", "overdue": False}
    name = done.json()["session"]["session_id"]
    mine = (await here.http.get("/supervisions", headers=here.link_worker())).json()["sessions"]
    assert [one["session_id"] for one in mine] == [name]
    other = await here.http.get("/supervisions?link_worker=lw-meir-1", headers=here.link_worker("lw-meir-2"))
    assert other.status_code == 403
    assert (await here.http.get(f"/supervisions/{name}", headers=of)).json()["said"] == {}
    here.clock.now += timedelta(days=29)
    (row,) = (await here.http.get("/desk", headers=manager(here))).json()["link_workers"]
    assert row["supervision"]["overdue"]
    assert (await here.post(f"/supervisions/{name}/withdraw", of=manager(here))).status_code == 204
    assert (await here.http.get(f"/supervisions/{name}", headers=manager(here))).status_code == 404


@pytest.mark.parametrize(
    ("held_after", "next_after", "more", "code"),
    [
        (1, 28, {}, "session_day"),
        (-400, 28, {}, "session_day"),
        (0, 0, {}, "next_session_day"),
        (0, 28, {"cases": [{"referral": "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"}]}, "unknown_case"),
        (0, 28, {"link_worker": "lw-meir-9"}, "unknown_link_worker"),
    ],
)
async def test_session_that_cannot_be_is_refused(
    town: MatchingHarness, held_after: int, next_after: int, more: dict[str, Any], code: str
) -> None:
    today = london_day(town.clock.now)
    body = {
        "link_worker": "lw-meir-1",
        "held_on": str(today + timedelta(days=held_after)),
        "next_on": str(today + timedelta(days=next_after)),
    }
    refused = await town.post("/supervisions", body | more, of=manager(town))
    assert refused.json()["type"] == f"urn:linkwork:problem:{code}", refused.text
    assert refused.status_code in (404, 422)


async def test_what_was_agreed_needs_the_vault(here: MatchingHarness) -> None:
    referral = await here.refer()
    cases = [{"referral": referral, "note": "Ring the service together"}]
    body = {"link_worker": "lw-meir-1", "held_on": "2026-11-23", "cases": cases}
    refused = await here.post("/supervisions", body, of=manager(here))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:linkwork:problem:vault_away")
    assert await here.kernel.mongo[SUPERVISIONS].count_documents({"locality": here.slug}) == 0
