"""One source for each date: practice and link worker read the same day for the same step."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

import services.matching.definition
import services.referral.definition
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.history import ListedSources, ReferralHistory, fold_referral
from shared.contract.history.days import day_of
from tests.harness.delivery.toy import created
from tests.harness.history.journeys import LOCALITY, REFERRAL, journeys, ref
from tests.unit.history.test_services import LOCALITIES

ASKED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HERE: dict[str, Any] = {"referral_id": REFERRAL, "locality": LOCALITY}
ONE: dict[str, Any] = {**HERE, "prescription_id": ref(10)}
PRACTICE = services.referral.definition.service_definition(LOCALITIES)
LINK_WORKER = services.matching.definition.service_definition(LOCALITIES)


def said(number: int, body: EventBody, days: float) -> Fact:
    at = ASKED + timedelta(days=days)
    return Fact("/meir/matching", ref(number), event_of(body), at, at, body)


def story(*bodies: tuple[float, EventBody]) -> tuple[ReferralHistory, list[Fact]]:
    facts = [said(20 + n, body, days) for n, (days, body) in enumerate(bodies)]
    return fold_referral(facts, ListedSources()), facts


PRESCRIBED = o.ServicePrescribed(**ONE, service_id=ref(11), need=v.Need.DEBT)
YES = o.ProviderReplied(**ONE, reply=v.Reply.ACCEPTED)
FULL = o.ProviderReplied(**ONE, reply=v.Reply.FULL)
VISITED = o.ActivityStarted(**ONE, on=date(2026, 11, 9))
STOPPED = o.ActivityNotStarted(**ONE, barrier=v.Barrier.COST)
ENDED = o.ActivityEnded(**ONE, reason=v.EndReason.COMPLETED)


@pytest.mark.parametrize(
    ("happened", "status", "since"),
    [
        ([], "asked", date(2026, 11, 2)),
        ([(3, YES)], "accepted", date(2026, 11, 5)),
        ([(4, FULL)], "full", date(2026, 11, 6)),
        ([(3, YES), (10, VISITED)], "started", date(2026, 11, 9)),
        ([(3, YES), (10, STOPPED)], "not_started", date(2026, 11, 12)),
        ([(3, YES), (10, VISITED), (40, ENDED)], "ended", date(2026, 12, 12)),
    ],
)
def test_prescription_stands_since_the_day_of_its_status(
    happened: list[tuple[float, EventBody]], status: str, since: date
) -> None:
    told, _ = story((0, PRESCRIBED), *happened)
    (one,) = told.prescriptions
    assert (one.status, one.since) == (status, since)


def test_day_of_a_visit_is_its_own_whenever_it_is_recorded() -> None:
    told, facts = story((0, PRESCRIBED), (30, VISITED))
    assert day_of(VISITED, facts[-1], told) == date(2026, 11, 9)


@pytest.mark.parametrize(("recorded", "held"), [(9, date(2026, 11, 7)), (2, date(2026, 11, 4))])
def test_day_of_a_meeting_is_as_booked_or_sooner(recorded: float, held: date) -> None:
    booked = MeetingBooked(
        **HERE,
        meeting_id=ref(12),
        sequence=0,
        link_worker="lw-meir-1",
        practice="M83100",
        starts_at=ASKED + timedelta(days=5),
        minutes=45,
    )
    attended = o.MeetingAttended(**HERE, meeting_id=ref(12))
    told, facts = story((0, created(LOCALITY, REFERRAL)), (0, booked), (recorded, attended))
    assert day_of(attended, facts[-1], told) == told.meetings[0].held_on == held


@given(facts=journeys())
def test_next_step_of_practice_and_link_worker_has_one_day(facts: list[Fact]) -> None:
    practice = PRACTICE.to_document(PRACTICE.fold(facts))
    link_worker = LINK_WORKER.to_document(LINK_WORKER.fold(facts))
    coming, step = practice["next"], link_worker["step"]
    if practice["meeting"] is not None:
        return  # the practice is told the appointment first, whose day both show as it is booked
    assert (coming and coming["on"]) == (step and step["on"])
