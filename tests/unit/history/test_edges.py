"""Times that no event can be of are refused; at the edges of those that can, every service's fold holds."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from bson import encode

from linkwork.service_definitions import MAKERS
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, Refused, moment, read
from shared.contract.events.models import AFTER, FIRST, EventBody, MeetingBooked
from shared.contract.events.topics import Part
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.unit_of_work.aggregate import ReferralAggregate
from shared.platform.ids import new_id
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.delivery.toy import created, said

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
BEYOND = [
    edge
    for zone in (UTC, EAST, WEST)
    for edge in (datetime(1, 1, 1, tzinfo=zone), datetime(9999, 12, 31, 23, 59, 59, tzinfo=zone))
]
BEYOND += [FIRST - timedelta(seconds=1), AFTER]
EDGES = [FIRST, AFTER - timedelta(seconds=1), (AFTER - timedelta(seconds=1)).astimezone(EAST)]
REFERRAL, MEETING, PRESCRIPTION = new_id(), new_id(), new_id()
ABOUT: dict[str, Any] = {"referral_id": REFERRAL, "locality": "meir"}


def journey(at: datetime, day: date) -> list[EventBody]:
    """A story in which everything that has a time has this one."""
    return [
        created("meir", REFERRAL),
        o.MeetingWaiting(**ABOUT, reason=v.WaitingReason.NO_SLOT, expected_by=day),
        MeetingBooked(
            **ABOUT,
            meeting_id=MEETING,
            sequence=0,
            link_worker="lw-meir-1",
            practice="M83100",
            starts_at=at,
            minutes=240,
        ),
        o.MeetingAttended(**ABOUT, meeting_id=MEETING),
        o.ServicePrescribed(
            **ABOUT, prescription_id=PRESCRIPTION, service_id=new_id(), need=v.Need.DEBT, signposted=False
        ),
        o.ReferralClosed(**ABOUT, reason=v.CloseReason.COMPLETED),
    ]


def heard(event: Envelope) -> ReceivedEvent:
    taken = read(event.topic(), REFERRAL.encode(), event.raw, [(n, b) for n, b in event.headers()])
    assert isinstance(taken, Envelope)
    return ReceivedEvent.of(taken)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("at", EDGES, ids=str)
def test_a_story_at_the_edge_of_the_calendar_is_told_as_any(name: Part, at: datetime) -> None:
    part = MAKERS[name](Path(LOCALITIES_FILE)).part
    told = [
        heard(said(body, "partner", time=at.astimezone(UTC)))
        for body in journey(at, at.astimezone(UTC).date())
    ]
    for count in range(1, len(told) + 1):
        case = ReferralAggregate(part, "meir", REFERRAL)
        for fact in told[:count]:
            case.append(fact)
        encode(case.to_write())  # type: ignore[arg-type]  # a new document, which is no update


@pytest.mark.parametrize("at", BEYOND, ids=str)
def test_a_time_beyond_it_is_refused_wherever_it_stands(at: datetime) -> None:
    assert moment(at.isoformat()) is None
    booked = said(journey(FIRST, FIRST.date())[2], "partner", time=FIRST)
    body = json.dumps(json.loads(booked.raw) | {"starts_at": at.isoformat()}).encode()
    refused = read(booked.topic(), REFERRAL.encode(), body, booked.headers())
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.error.split()[0]) == ("invalid_body", "starts_at")
    headers = [
        (name, at.isoformat().encode() if name == "ce_time" else value) for name, value in booked.headers()
    ]
    assert read(booked.topic(), REFERRAL.encode(), booked.raw, headers) == Refused("bad_time")


@pytest.mark.parametrize("day", [date.min, date.max, AFTER.date(), FIRST.date() - timedelta(days=1)], ids=str)
def test_a_day_beyond_it_is_refused(day: date) -> None:
    waiting = said(journey(FIRST, FIRST.date())[1], "partner", time=FIRST)
    body = json.dumps(json.loads(waiting.raw) | {"expected_by": day.isoformat()}).encode()
    refused = read(waiting.topic(), REFERRAL.encode(), body, waiting.headers())
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.error.split()[0]) == ("invalid_body", "meeting_waiting.expected_by")
