"""The desk's figures: lists by one filter, weighted load, percentiles, supervision, and the nightly hour."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.matching.programme.desk.case_lists import BY_CODE, LISTS, NOBODY, OPEN_STAGES, filter_of
from services.matching.programme.desk.checking import seconds_until
from services.matching.programme.desk.sessions import state_of
from services.matching.programme.desk.views import Session, SupervisionState
from services.matching.programme.desk.workload import days_since_contact, load, percentile
from services.matching.referral_state.state import to_document
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import NOW, DecisionHarness, about, active, worker

TODAY = date(2026, 11, 23)


def view(**traits: Any) -> dict[str, Any]:
    world = DecisionHarness.of(worker(home_visits=True))
    return to_document(world.view(world.refer(**traits)))


def test_each_list_has_a_code_and_title_of_its_own() -> None:
    assert len(BY_CODE) == len(LISTS) == len({each.title for each in LISTS})
    assert {f"stage-{stage.value}" for stage in OPEN_STAGES} <= set(BY_CODE)


def test_filter_names_locality_and_link_worker() -> None:
    overdue = BY_CODE["overdue"]
    everybody = filter_of(overdue, "meir", NOW)
    assert (everybody["locality"], everybody["view.open"]) == ("meir", True)
    assert everybody["$and"] == [{"view.step.on": {"$lt": "2026-11-23"}}]
    assert filter_of(overdue, "meir", NOW, "lw-meir-1")["$and"][1] == {"view.link_worker": "lw-meir-1"}
    nobody = filter_of(overdue, "meir", NOW, NOBODY, {"lw-meir-2", "lw-meir-1"})
    assert nobody["$and"][1] == {"view.link_worker": {"$nin": ["lw-meir-1", "lw-meir-2"]}}


def test_load_weighs_stage_and_what_takes_more_time() -> None:
    assert load([]) == 0
    assert load([view()]) == 1.0
    assert load([view(access_needs=(v.AccessNeed.HOME_VISIT,), interpreter=True)]) == 2.0
    assert load([view() | {"stage": "waiting"}, view() | {"stage": "started"}]) == 1.0


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 50, None), ([3], 90, 3), ([1, 2, 3, 4], 50, 2), (list(range(1, 11)), 90, 9), ([0, 9], 90, 9)],
)
def test_percentile_is_a_value_that_occurs(values: list[int], share: int, expected: int | None) -> None:
    assert percentile(values, share) == expected


def test_contact_counts_who_was_reached_or_met() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    assert to_document(world.view(referral))["last_contact"] is None
    tried = o.ContactAttempted(**about(referral), channel=v.Channel.PHONE, reached=False)
    world.hear(world.envelope(tried, by="casework"))
    assert to_document(world.view(referral))["last_contact"] is None
    reached = tried.model_copy(update={"reached": True})
    world.hear(world.envelope(reached, by="casework"))
    assert to_document(world.view(referral))["last_contact"] == NOW
    met = o.MeetingAttended(**about(referral), meeting_id=active(world.view(referral)).meeting_id)
    world.hear(world.envelope(met, by="casework", at=NOW + timedelta(days=2)))
    stored = to_document(world.view(referral))
    assert stored["last_contact"] == NOW + timedelta(days=2)
    assert days_since_contact([stored], TODAY + timedelta(days=5)) == [3]
    assert days_since_contact([view()], TODAY + timedelta(days=5)) == [5]


def test_view_tells_what_is_missing() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    stored = to_document(world.view(referral))
    assert (stored["planned"], stored["ons4"], stored["details_to_gp"]) == (False, None, "not_asked")
    for day in (TODAY, TODAY + timedelta(days=84)):
        stage = v.Stage.BEFORE if day == TODAY else v.Stage.AFTER
        answers = o.Measured(
            **about(referral), instrument=v.Instrument.ONS4, stage=stage, on=day, scores={"happy": 5}
        )
        world.hear(world.envelope(answers, by="casework"))
    stored = to_document(world.view(referral))
    assert stored["ons4"] == {"first": "2026-11-23", "last": "2027-02-15"}


def session(held_on: date, next_on: date | None) -> Session:
    return Session("s", "meir", "lw-meir-1", "boss", held_on, next_on, (), NOW)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([], SupervisionState(None, None, True)),
        ([session(TODAY, None)], SupervisionState(TODAY, None, True)),
        ([session(TODAY, TODAY)], SupervisionState(TODAY, TODAY, False)),
        (
            [session(TODAY, TODAY - timedelta(days=1))],
            SupervisionState(TODAY, TODAY - timedelta(days=1), True),
        ),
    ],
)
def test_supervision_is_overdue_without_a_day_to_come(
    sessions: list[Session], expected: SupervisionState
) -> None:
    assert state_of(sessions, TODAY) == expected


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 11, 23, 3, 0, tzinfo=UTC), 0.5),
        (datetime(2026, 11, 23, 3, 30, tzinfo=UTC), 24),
        (datetime(2026, 11, 23, 13, 30, tzinfo=UTC), 14),
    ],
)
def test_counts_are_checked_at_half_past_three(now: datetime, hours: float) -> None:
    assert seconds_until(now) == hours * 3600
