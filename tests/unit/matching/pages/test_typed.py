"""Forms are read into values and one sentence for each error, which never repeats the input."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from services.matching.casework.pages.record_form import draft_of, read_meeting_form
from services.matching.referral_state.pages.next_step import next_step_form, read_next_step
from services.matching.web.forms import FormErrors, FormInput
from shared.contract.events import vocabulary as v

TODAY = date(2026, 11, 24)
STEP = {"next_code": "ring", "next_when": "2026-12-01"}
SERVICE = "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"


def form(fields: dict[str, Any] | None = None, **more: Any) -> FormInput:
    pairs = []
    for name, value in ((fields or {}) | more).items():
        pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return FormInput(FormData(pairs))


def told(typed: FormInput) -> list[tuple[str, str]]:
    return [(error.field, error.detail) for error in typed.errors]


def test_day_in_three_boxes_is_read() -> None:
    typed = form({"on-day": "4", "on-month": "12", "on-year": "26"})
    assert typed.day("on", "Enter a day") == date(2026, 12, 4)
    assert typed.errors == []


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (("31", "2", "2026"), "This day does not exist"),
        (("", "12", "2026"), "Enter a day"),
        (("４", "12", "2026"), "Enter a day"),
        (("4", "12", "2031"), "Too late"),
    ],
)
def test_day_that_does_not_exist_is_a_mistake(parts: tuple[str, str, str], sentence: str) -> None:
    typed = form(dict(zip(("on-day", "on-month", "on-year"), parts, strict=True)))
    typed.day("on", "Enter a day", last=date(2027, 1, 1), outside="Too late")
    assert told(typed) == [("on", sentence)]


@given(st.text(max_size=30))
def test_number_mistake_never_repeats_the_input(text: str) -> None:
    typed = form(weeks=text)
    value = typed.number("weeks", 1, 104, "Enter how many weeks")
    assert value is None or 1 <= value <= 104
    assert told(typed) in ([], [("weeks", "Enter how many weeks")])


def test_next_step_is_read_by_usual_or_other_day() -> None:
    step = read_next_step(form(STEP), TODAY, needed=True)
    assert step is not None
    assert (step.code, step.on) == (v.NextStepCode.RING, date(2026, 12, 1))
    typed = form({"next_code": "ring", "next_when": "day"})
    assert read_next_step(typed, TODAY, needed=True) is None
    assert told(typed) == [("next_on", "Choose by when, or enter a day such as 1 12 2026")]


@pytest.mark.parametrize("when", ["2026-11-23", "2028-01-01"])
def test_next_step_beyond_a_year_is_a_mistake(when: str) -> None:
    typed = form({"next_code": "ring", "next_when": when})
    assert read_next_step(typed, TODAY, needed=True) is None
    assert typed.errors


def test_next_step_not_needed_may_be_empty() -> None:
    typed = form(next_code="", next_when="")
    assert read_next_step(typed, TODAY, needed=False) is None
    assert typed.errors == []


def test_usual_days_are_working_days() -> None:
    days = next_step_form(date(2026, 11, 21), {}).days[:-1]
    assert all(date.fromisoformat(day).weekday() < 5 for day, _ in days)


def test_meeting_record_is_read_in_full() -> None:
    agreed = read_meeting_form(
        form(
            STEP,
            needs=["debt", "befriending"],
            what_matters="Seeing people\r\nagain",
            goal1_words="Have lunch with others",
            goal1_need="befriending",
            goal1_importance="9",
            ons4_happy="3",
            ons4_anxious="",
            follow_up="yes",
            **{
                f"add:befriending:{SERVICE}": "plan",
                f"share:befriending:{SERVICE}": "yes",
                f"add:debt:{SERVICE}": "plan",
                "unmet:debt": "full",
            },
        ),
        TODAY,
    )
    assert agreed.record.what_matters == "Seeing people\nagain"
    assert agreed.record.goals[0].importance == 9
    assert agreed.record.ons4 == {"happy": 3}
    assert agreed.record.follow_up is v.Agreed.YES
    assert [(p.service_id, p.need.value, p.may_share.value) for p in agreed.prescribing] == [
        (SERVICE, "befriending", "yes")
    ]
    assert agreed.unmet == ((v.Need.DEBT, v.UnmetReason.FULL),)


def test_signposted_service_shares_no_name() -> None:
    fields = {f"add:debt:{SERVICE}": "details", f"share:debt:{SERVICE}": "yes"}
    agreed = read_meeting_form(form(STEP | fields), TODAY)
    assert (agreed.prescribing[0].signposted, agreed.prescribing[0].may_share) == (True, v.Agreed.NOT_ASKED)


def test_mistakes_are_all_shown_at_once() -> None:
    with pytest.raises(FormErrors) as mistakes:
        read_meeting_form(form(goal1_importance="11", goal2_words="Walk", ons4_happy="12"), TODAY)
    fields = {error.field for error in mistakes.value.errors}
    assert {"goal1_importance", "goal2_need", "ons4_happy", "next_code", "next_on"} <= fields


def test_draft_keeps_words_apart_from_codes() -> None:
    fields, texts = draft_of(
        form(
            csrf_token="t",
            do="draft",
            needs=["debt"],
            what_matters="The garden",
            goal1_words="",
            goal1_importance="7",
        )
    )
    assert texts == {"what_matters": "The garden"}
    assert fields == {"needs": ["debt"], "goal1_importance": "7"}
