"""All that can be said of a referral: some dozens of bodies of every kind, made once and drawn from."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Body, UnknownOutcome
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.events.topics import SourcePart
from tests.harness.delivery.toy import created

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LOCALITY = "meir"
REFERRAL = str(UUID(int=1))
# The localities file names all but partner and neighbour, which have priority 0.
SOURCES = [
    "/meir/referral",
    "/meir/matching",
    "/meir/history",
    "/meir/partner",
    "/meir/neighbour",
    "/meir/booking",
    "/meir/casework",
    "/meir/directory",
]
# Sources of partners that bring a part, and the part.
BRINGING: Mapping[str, SourcePart] = {
    "/meir/office": "referral",
    "/meir/care-team": "casework",
    "/meir/booker": "booking",
    "/meir/services": "directory",
}
VARIANTS = 24  # Bodies of each kind.


def ref(number: int) -> str:
    return str(UUID(int=number))


def _some(random: Random) -> str:
    """Few enough that facts meet: one of four meetings, services, plans."""
    return ref(random.randint(10, 13))


def _day(random: Random) -> date:
    return (START + timedelta(days=random.randint(0, 90))).date()


def _created(random: Random) -> dict[str, Any]:
    body = created(LOCALITY, REFERRAL).model_copy(
        update={
            "urgency": random.choice(list(v.Urgency)),
            "contact": random.choice(list(v.SafeToText)),
            "route": random.choice(list(v.Route)),
            "practice": random.choice(["M83100", "M83713"]),
            "person_ref": _some(random),
        }
    )
    return dict(body)


def _meeting(random: Random) -> dict[str, Any]:
    meeting_id = _some(random)
    return {
        "meeting_id": meeting_id,
        "sequence": random.choice([0, 0, 0, 1, 1, 2, 4]),
        "replaces": random.choice([None, *(ref(n) for n in range(10, 14) if ref(n) != meeting_id)]),
        "link_worker": random.choice(["lw-meir-1", "lw-meir-2"]),
        "practice": "M83100",
        "starts_at": START + timedelta(days=random.randint(0, 90), minutes=random.choice([0, 30])),
        "minutes": 45,
        "provisional": random.random() < 0.5,
    }


def _reply(random: Random) -> dict[str, Any]:
    reply = random.choice(list(v.Reply))
    return {
        "prescription_id": _some(random),
        "reply": reply,
        "weeks": random.randint(1, 9) if reply is v.Reply.WAITING_LIST else None,
        "reason": random.choice(list(v.NotSuitableReason)) if reply is v.Reply.NOT_SUITABLE else None,
    }


def _sharing(random: Random) -> dict[str, Any]:
    agreement = random.choice(list(v.Agreement))
    about = _some(random) if agreement is v.Agreement.SERVICE else None
    return {"agreement": agreement, "agreed": random.choice(list(v.Agreed)), "prescription_id": about}


def _measured(random: Random) -> dict[str, Any]:
    names = random.sample(["satisfied", "worthwhile", "happy", "anxious"], random.randint(1, 4))
    return {
        "instrument": v.Instrument.ONS4,
        "stage": random.choice(list(v.Stage)),
        "on": _day(random),
        "scores": {name: random.randint(0, 10) for name in names},
    }


def _reasons(kind: Any, **more: Any) -> Callable[[Random], dict[str, Any]]:
    return lambda random: (
        {"reason": random.choice(list(kind))}
        | {name: random.choice(list(values)) for name, values in more.items()}
    )


# The fields of each kind, beside the referral and those that every outcome may have.
PARTS: Mapping[type[EventBody], Callable[[Random], dict[str, Any]]] = {
    ReferralCreated: _created,
    MeetingBooked: _meeting,
    o.MeetingAttended: lambda r: {"meeting_id": _some(r)},
    o.MeetingMissed: lambda r: {"meeting_id": _some(r)},
    o.MeetingCancelled: lambda r: {
        "meeting_id": _some(r),
        "by": r.choice(list(v.By)),
        "why": r.choice(list(v.CancelReason)),
    },
    o.MeetingWaiting: lambda r: {"reason": r.choice(list(v.WaitingReason)), "expected_by": _day(r)},
    o.ContactAttempted: lambda r: {"channel": r.choice(list(v.Channel)), "reached": r.random() < 0.5},
    o.LinkWorkerChanged: lambda r: {"link_worker": r.choice(["lw-meir-1", "lw-meir-2"])},
    o.PlanAgreed: lambda r: {"plan_id": _some(r), "revision": r.randint(1, 3)},
    o.ServicePrescribed: lambda r: {
        "prescription_id": _some(r),
        "service_id": _some(r),
        "need": r.choice(list(v.Need)),
        "signposted": r.random() < 0.3,
    },
    o.ProviderReplied: _reply,
    o.ActivityStarted: lambda r: {
        "prescription_id": _some(r),
        "on": _day(r),
        "accompanied_by": r.choice(list(v.AccompaniedBy)),
    },
    o.ActivityNotStarted: lambda r: {"prescription_id": _some(r), "barrier": r.choice(list(v.Barrier))},
    o.ActivityEnded: lambda r: {"prescription_id": _some(r), "reason": r.choice(list(v.EndReason))},
    o.NeedUnmet: _reasons(v.UnmetReason, need=v.Need),
    o.Measured: _measured,
    o.SharingChanged: _sharing,
    o.ReferralClosed: _reasons(v.CloseReason),
    o.ReferralDeclined: _reasons(v.DeclineReason, by=v.By),
    o.ReferralReturned: _reasons(v.ReturnReason),
    o.ReferralWithdrawn: _reasons(v.WithdrawReason, by=v.By),
    o.ContactChanged: lambda r: {"contact": r.choice(list(v.SafeToText))},
    o.PersonErased: lambda r: {"person_ref": _some(r)},
}


def _next_step(random: Random) -> o.NextStep | None:
    if random.random() < 0.7:
        return None
    return o.NextStep(code=random.choice(list(v.NextStepCode)), on=_day(random))


def _said(kind: type[EventBody], random: Random) -> EventBody:
    parts = {"referral_id": REFERRAL, "locality": LOCALITY} | PARTS[kind](random)
    if issubclass(kind, o.Outcome):
        parts["next_step"] = _next_step(random)
    return kind(**parts)


# Bodies by kind. A retraction and a reopening name another fact: `retracted` and `reopened` make them.
SAYINGS: Sequence[Sequence[Body]] = [
    *([_said(kind, Random(at)) for at in range(VARIANTS)] for kind in PARTS),
    [UnknownOutcome(REFERRAL, LOCALITY, "to_be_invented")],
]


@cache
def retracted(source: str, identity: str) -> EventBody:
    return o.Retracted(
        referral_id=REFERRAL,
        locality=LOCALITY,
        event_source=source,
        event_id=identity,
        reason=v.RetractReason.UNDONE,
    )


@cache
def reopened(source: str, identity: str) -> EventBody:
    return o.ReferralReopened(referral_id=REFERRAL, locality=LOCALITY, ends_source=source, ends_id=identity)
