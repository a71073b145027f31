"""The meeting form: contradictions are rejected, and a draft holds no words in clear."""

from datetime import date

import pytest
from starlette.datastructures import FormData

from services.matching.casework.pages.record_form import draft_of, read_meeting_form
from services.matching.web.forms import FormErrors, FormInput
from shared.contract.events import vocabulary as v

TODAY = date(2026, 11, 23)
STEP = [("next_code", "ring"), ("next_when", "2026-11-30")]
SERVICE = "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"


def form(*fields: tuple[str, str]) -> FormInput:
    return FormInput(FormData([*STEP, *fields]))


def wrong(typed: FormInput, in_plan: frozenset[v.Need] = frozenset()) -> list[str]:
    with pytest.raises(FormErrors) as mistakes:
        read_meeting_form(typed, TODAY, in_plan)
    return [error.pointer for error in mistakes.value.errors]


@pytest.mark.parametrize("how", ["plan", "details"])
def test_need_with_service_and_without_is_asked_about(how: str) -> None:
    both = form(("needs", "debt"), (f"add:debt:{SERVICE}", how), ("unmet:debt", "no_service"))
    assert wrong(both) == ["/unmet:debt"]


def test_need_without_service_but_in_plan_is_asked_about() -> None:
    assert wrong(form(("unmet:debt", "no_service")), frozenset({v.Need.DEBT})) == ["/unmet:debt"]


@pytest.mark.parametrize(
    ("unmet", "reason"), [("unmet:debt", "full"), ("unmet:befriending", "no_service"), ("unmet:debt", "")]
)
def test_other_unmet_reason_beside_service_is_kept(unmet: str, reason: str) -> None:
    agreed = read_meeting_form(form((f"add:debt:{SERVICE}", "plan"), (unmet, reason)), TODAY)
    assert [each.need for each in agreed.prescribing] == [v.Need.DEBT]
    assert [reason.value for _, reason in agreed.unmet] == ([reason] if reason else [])


def test_draft_keeps_words_apart_from_codes() -> None:
    fields, texts = draft_of(
        form(
            ("what_matters", "My garden"),
            ("goal1_words", "Walk to the shop"),
            ("note", "Shy"),
            ("needs", "debt"),
            ("needs", "Her name is Ada"),
            ("ons4_happy", "7"),
            ("next_on-day", "ring Ada Bone first"),
            ("made_up", "Ada Bone"),
        )
    )
    assert texts == {"what_matters": "My garden", "goal1_words": "Walk to the shop", "note": "Shy"}
    assert fields == {
        "needs": ["debt"],
        "ons4_happy": "7",
        "next_code": "ring",
        "next_when": "2026-11-30",
    }
