"""The caseload by day and time, and one card a person under "Needs you"."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.matching.casework.case_list import CASELOAD, after_case, by_day_and_time, chosen_cases
from services.matching.casework.pages.caseload import _by_person, _card
from services.matching.referral_state.attention import NeedsYou, Reason, ToDo
from services.matching.referral_state.pages.person_header import flags, flags_in_brief
from services.matching.referral_state.views import CaseLine, MeetingShown, NeedsYouLine
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.contract.history.next_step import Step

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def case(name: str, step: Step | None = None, meets: datetime | None = None, **more: Any) -> CaseLine:
    meeting = MeetingShown(
        f"m-{name}", name, "meir", "lw-meir-1", "M83100", "Room 4", meets or NOW, 45,
        v.MeetingMode.FACE_TO_FACE, "booked", True, 0,
    )  # fmt: skip
    line = CaseLine(
        locality="meir",
        referral_id=name,
        practice="M83100",
        stage=Stage.WAITING,
        open=True,
        created_at=NOW,
        urgency=v.Urgency.ROUTINE,
        needs=(v.Need.DEBT,),
        age_band=None,
        risk=v.Risk.NONE_KNOWN,
        contact=v.SafeToText.YES,
        language="en",
        interpreter=False,
        access_needs=(),
        link_worker="lw-meir-1",
        active=meeting if meets else None,
        step=step,
        reasons=(),
    )
    return replace(line, **more)


def meets_at(name: str, at: datetime) -> CaseLine:
    return case(name, Step(v.NextStepCode.MEET, at.date(), derived=True), at)


def rings_on(name: str, on: date) -> CaseLine:
    return case(name, Step(v.NextStepCode.RING, on, derived=False))


def test_a_caseload_is_in_order_of_day_and_time() -> None:
    cases = [
        meets_at("at eleven", NOW + timedelta(hours=2)),
        rings_on("tomorrow", TODAY + timedelta(days=1)),
        rings_on("some time today", TODAY),
        meets_at("at ten", NOW + timedelta(hours=1)),
        case("no step"),
        rings_on("overdue", TODAY - timedelta(days=1)),
        case("ended", open=False),
    ]
    order = [each.referral_id for each in sorted(cases, key=by_day_and_time)]
    assert order == ["no step", "overdue", "at ten", "at eleven", "some time today", "tomorrow", "ended"]


def test_filters_leave_cases_in_the_chosen_order() -> None:
    old, ago = NOW - timedelta(days=30), timedelta(days=8)
    cases = [
        case("new"),
        case("met long ago", created_at=old, stage=Stage.MET),
        case("nobody's", created_at=NOW - ago, link_worker=None),
    ]

    def left(query: str) -> list[str]:
        return [each.referral_id for each in chosen_cases(cases, CASELOAD.parse(query), NOW)]

    assert left("sort=made") == ["met long ago", "nobody's", "new"]
    assert left("sort=-stage")[0] == "met long ago"
    assert left("stage=met") == ["met long ago"]
    assert left("waiting=7&sort=-made") == ["nobody's", "met long ago"]
    assert left("whose=nobodys") == ["nobody's"]
    assert len(left("whose=mine")) == 2


def test_cases_after_one_are_the_next_page() -> None:
    cases = [case(name) for name in ("a", "b", "c")]
    assert [each.referral_id for each in after_case(cases, None, 2)] == ["a", "b"]
    assert [each.referral_id for each in after_case(cases, "b", 2)] == ["c"]
    assert after_case(cases, "unknown", 2) == []


def test_risk_interpreter_and_home_visit_show_in_the_caseload() -> None:
    line = case(
        "somebody",
        risk=v.Risk.SEE_NOTE,
        interpreter=True,
        language="pl",
        access_needs=(v.AccessNeed.HOME_VISIT, v.AccessNeed.STEP_FREE),
        contact=v.SafeToText.RING,
    )
    assert [flag.text for flag in flags_in_brief(line)] == [
        "Risk",
        "Interpreter: Polish",
        "Needs a home visit",
    ]
    assert flags_in_brief(case("nobody")) == ()


def test_a_person_has_one_card_with_everything_they_need() -> None:
    def task(line: CaseLine, reason: NeedsYou, days_ago: int) -> NeedsYouLine:
        return NeedsYouLine(line, Reason(reason, NOW - timedelta(days=days_ago), ToDo.RING, "about"))

    first, second = case("first", contact=v.SafeToText.RING), case("second", risk=v.Risk.SEE_NOTE)
    tasks = [
        task(first, NeedsYou.HANDED_OVER, 9),
        task(second, NeedsYou.REVIEW_DUE, 5),
        task(first, NeedsYou.TWO_MISSES, 2),
    ]
    people = {"first": {"name": "Ada Bone", "telephone": "+447700900123"}}
    cards = [_card(theirs, people, TODAY) for theirs in _by_person(tasks)]
    assert [(card.referral_id, len(card.tasks), card.waited) for card in cards] == [
        ("first", 2, "9 days"),
        ("second", 1, "5 days"),
    ]
    assert (cards[0].telephone, cards[0].flags) == ("07700 900123", flags(first))
    assert [flag.text for flag in cards[1].flags] == ["Risk: read the note first"]
