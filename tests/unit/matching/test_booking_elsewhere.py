"""What another owner of booking answers, beside what its events have shown so far."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.matching.booking.elsewhere import as_answered, shows
from services.matching.referral_state.views import CaseLine
from shared.contract.api.booking import BOOK, LATER, ReferralMeeting, StandingMeeting
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage

BOOKED = ReferralMeeting.model_validate(BOOK.answer_example)
WAITS = ReferralMeeting.model_validate(LATER.answer_example)
MEETING = StandingMeeting.model_validate(BOOK.answer_example["meeting"])
LINE = CaseLine(
    locality="meir",
    referral_id=BOOKED.referral_id,
    practice="M83100",
    stage=Stage.WAITING,
    open=True,
    created_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
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
ACTIVE = {"id": MEETING.meeting_id, "provisional": False}


def view(**fields: Any) -> dict[str, Any]:
    return {"active": None, "meetings": [], "waiting": None} | fields


@pytest.mark.parametrize(
    ("answer", "stored", "shown"),
    [
        (BOOKED, view(), False),
        (BOOKED, view(active=MEETING.meeting_id, meetings=[ACTIVE]), True),
        (BOOKED, view(active=MEETING.meeting_id, meetings=[ACTIVE | {"provisional": True}]), False),
        (BOOKED, view(active="another", meetings=[ACTIVE, {"id": "another", "provisional": False}]), False),
        (WAITS, view(), False),
        (WAITS, view(waiting={"reason": "asked_later"}), True),
        (WAITS, view(waiting={"reason": "no_slot"}), False),
        (WAITS, view(active="a", meetings=[ACTIVE | {"id": "a"}], waiting={"reason": "asked_later"}), False),
        (WAITS.model_copy(update={"waiting": None}), view(), True),
    ],
)
def test_answer_is_shown_once_its_event_is_here(
    answer: ReferralMeeting, stored: dict[str, Any], shown: bool
) -> None:
    assert shows(stored, answer) is shown


def test_line_of_a_case_is_as_the_owner_answered() -> None:
    line = replace(LINE, waiting=v.WaitingReason.NO_SLOT)
    booked = as_answered(line, BOOKED, "booking-js")
    assert booked.active is not None
    assert (booked.active.booked_by, booked.active.meeting_id) == ("booking-js", MEETING.meeting_id)
    assert (booked.waiting, booked.stage) == (None, line.stage)
    waits = as_answered(booked, WAITS, "booking-js")
    assert (waits.active, waits.waiting) == (None, v.WaitingReason.ASKED_LATER)
    assert waits.expected_by == date(2027, 1, 11)
