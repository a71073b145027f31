"""Every code has a label, and the history reads as sentences."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, get_args

import pytest
from starlette.routing import Match

from services.matching.directory.feed.model import Cost, Schedule
from services.matching.directory.pages.service_words import cost_in_words
from services.matching.directory.pages.times_in_words import held
from services.matching.pages import PAGE_ROUTERS
from services.matching.referral_state.attention import NeedsYou, Reason, ToDo
from services.matching.referral_state.pages.attention import button_for, instead_for, why
from services.matching.referral_state.pages.history import CaseNames, sentence
from services.matching.referral_state.views import CaseLine, FactLine, NeedsYouLine
from services.matching.web.templating import near_day
from shared.contract import labels
from shared.contract.events import outcomes
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.contract.history.model import PrescriptionStatus

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (v.Need, labels.NEEDS),
        (v.SensitiveNeed, labels.SENSITIVE_NEEDS),
        (v.NextStepCode, labels.NEXT_STEPS),
        (v.NextStepCode, labels.PLAN_NEXT_STEPS),
        (v.Channel, labels.CHANNELS),
        (v.Channel, labels.TRIED),
        (v.Barrier, labels.BARRIERS),
        (v.UnmetReason, labels.UNMET),
        (v.EndReason, labels.ENDED),
        (v.CloseReason, labels.CLOSED),
        (v.ReturnReason, labels.RETURNED),
        (v.DeclineReason, labels.DECLINED),
        (v.NotSuitableReason, labels.NOT_SUITABLE),
        (v.AccompaniedBy, labels.ACCOMPANIED),
        (v.Agreed, labels.AGREED),
        (v.AccessNeed, labels.ACCESS_NEEDS),
        (v.WaitingReason, labels.WAITING),
        (v.MeetingMode, labels.MODES),
        (v.Route, labels.BY_ROUTES),
        (Stage, labels.STAGES),
    ],
)
def test_codes_all_have_a_label(codes: type[StrEnum], said: Mapping[str, str]) -> None:
    assert set(said) == {code.value for code in codes}


def test_statuses_all_have_a_label() -> None:
    assert set(labels.PRESCRIPTIONS) == set(get_args(PrescriptionStatus))


@pytest.mark.parametrize("kind", sorted(outcomes.KINDS | {"referral_created", "meeting_booked"}))
def test_facts_of_every_kind_have_a_sentence(kind: str) -> None:
    text = sentence(_fact(kind), CaseNames({}, {}))
    assert text
    assert "does not know" not in text
    assert "_" not in text


def test_fact_of_later_version_has_its_own_sentence() -> None:
    assert "does not know" in sentence(_fact("plan_shared_with_family"), CaseNames({}, {}))


@pytest.mark.parametrize(
    ("kind", "detail", "text"),
    [
        ("contact_attempted", {"channel": "phone", "reached": False}, "Rang: did not reach them"),
        (
            "provider_replied",
            {"prescription_id": "p", "reply": "waiting_list", "weeks": 1},
            "Lunch club has a waiting list of 1 week",
        ),
        (
            "activity_started",
            {"prescription_id": "p", "on": "2026-11-12", "accompanied_by": "link_worker"},
            "First visit to Lunch club on 12 November 2026, with a link worker",
        ),
        ("need_unmet", {"need": "debt", "reason": "full"}, "Nothing suitable for managing debt: full"),
        ("link_worker_changed", {"link_worker": "lw-meir-2"}, "Handed to another link worker"),
        (
            "link_worker_changed",
            {"link_worker": "lw-meir-1", "next_step": {"code": "ring", "on": "2026-11-27"}},
            "Next step: ring them by 27 November 2026",
        ),
        (
            "plan_agreed",
            {"revision": 2, "goals": [{}], "next_step": {"code": "review", "on": "2026-12-01"}},
            "Plan changed, 1 goal. Next step: review the plan by 1 December 2026",
        ),
        (
            "meeting_booked",
            {"starts_at": "2026-07-01T09:30:00Z", "replaces": "m"},
            "Appointment moved to Wednesday 1 July 2026 at 10:30am",
        ),
    ],
)
def test_fact_gives_its_sentence(kind: str, detail: dict[str, object], text: str) -> None:
    assert sentence(_fact(kind, **detail), CaseNames({"p": "Lunch club"}, {})) == text


@pytest.mark.parametrize("reason", NeedsYou)
def test_reasons_all_have_sentence_and_one_button(reason: NeedsYou) -> None:
    task = NeedsYouLine(_line(), Reason(reason, NOW, ToDo.RING, "about"), service="Lunch club")
    text, href = button_for(task)
    assert why(task)[-1] in ".?"
    assert text
    assert _opens(href.partition("#")[0].partition("?")[0])
    if instead := instead_for(task):
        assert _opens(instead[1].partition("#")[0].partition("?")[0])


@pytest.mark.parametrize(
    ("costs", "text"),
    [
        ((), "Cost not known"),
        ((Cost(amount=Decimal(0), text=""),), "Free"),
        ((Cost(amount=Decimal("4.5"), text="a meal"),), "£4.50 a meal"),
        ((Cost(amount=Decimal(3), text="a session"),), "£3 a session"),
        ((Cost(amount=None, text="Bring what you can"),), "Bring what you can"),
    ],
)
def test_cost_is_shown_in_words(costs: tuple[Cost, ...], text: str) -> None:
    assert cost_in_words(costs) == text


@pytest.mark.parametrize(
    ("rule", "text", "said"),
    [
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", "Every week", "Every Monday, 9:30am to midday"),
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TH", "", "Every Monday and Thursday, 9:30am to midday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "", "Every second Wednesday, 9:30am to midday"),
        ("FREQ=DAILY;INTERVAL=1", "", "Every day, 9:30am to midday"),
        (
            "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,-1FR",
            "Not in August.",
            "The first Monday and last Friday of the month, 9:30am to midday (Not in August)",
        ),
        ("FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=5", "Ask for the day", "Ask for the day"),
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;BYMONTH=7", "Mondays in July", "Mondays in July"),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU;BYSETPOS=-1", "", ""),
        (None, "Drop in", "Drop in"),
        (None, "", ""),
    ],
)
def test_times_of_service_are_shown_in_words(rule: str | None, text: str, said: str) -> None:
    schedule = Schedule(
        rule=rule, start=None, until=None, opens_at=time(9, 30), closes_at=time(12), text=text
    )
    assert held(schedule) == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"valid_from": date(2026, 12, 7)}, "Every Monday, 10am, from 7 December 2026"),
        ({"start": date(2026, 1, 5)}, "Every Monday, 10am"),
        ({"until": date(9999, 12, 31)}, "Every Monday, 10am"),
        ({"timezone": "UTC"}, "Ask us"),
    ],
)
def test_period_of_service_is_shown_in_words(changed: dict[str, Any], said: str) -> None:
    monday = {"rule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", "opens_at": time(10), "closes_at": None}
    schedule = Schedule(**{"start": None, "until": None, "text": "", **monday, **changed})
    schedule = schedule if changed.keys() != {"timezone"} else schedule.model_copy(update={"text": "Ask us"})
    assert held(schedule, date(2026, 11, 24)) == said


def test_day_of_other_year_names_the_year() -> None:
    today = date(2026, 11, 24)
    assert near_day(date(2026, 12, 1), today) == "Tuesday 1 December"
    assert near_day(date(2027, 1, 5), today) == "Tuesday 5 January 2027"


def _opens(path: str) -> bool:
    """True if a page has this address."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for router in PAGE_ROUTERS for route in router.routes)


def _fact(kind: str, **detail: object) -> FactLine:
    return FactLine(
        "/meir/matching", "e", kind, NOW, NOW, undo=False, undone=False, on=NOW.date(), detail=detail
    )


def _line() -> CaseLine:
    return CaseLine(
        locality="meir",
        referral_id="r",
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
        link_worker=None,
        active=None,
        step=None,
        reasons=(),
    )
