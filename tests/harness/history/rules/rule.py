"""Builders of facts, and of the references to them that a state holds."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Body, UnknownOutcome, event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history import ListedSources
from tests.harness.delivery.toy import created
from tests.harness.history.sayings import BRINGING, LOCALITY, REFERRAL, START, ref

MATCHING, REFERRER, HISTORY = "/meir/matching", "/meir/referral", "/meir/history"
BOOKING, CASEWORK, DIRECTORY = "/meir/booking", "/meir/casework", "/meir/directory"
PARTNER, NEIGHBOUR = "/meir/partner", "/meir/neighbour"
# Partners' sources that bring a part: their words weigh as ours do.
OFFICE, CARE_TEAM, BOOKER, SERVICES = BRINGING
SOURCES = ListedSources(
    {
        **dict.fromkeys((MATCHING, BOOKING, CASEWORK, DIRECTORY, CARE_TEAM, BOOKER, SERVICES), 40),
        **dict.fromkeys((REFERRER, OFFICE), 30),
        HISTORY: 10,
        PARTNER: 0,
        NEIGHBOUR: 0,
    },
    BRINGING,
)
# A part of the programme that the priorities do not name.
NOTIFICATIONS = "/meir/notifications"


class Rule(NamedTuple):
    """A rule in a sentence, facts that show it, and values of the state by dotted path.

    `numbers`: the rules of docs/contract/fold.md that it shows, parted by blanks.
    """

    numbers: str
    name: str
    rule: str
    facts: list[Fact]
    expect: Mapping[str, Any]


def fact(
    number: int, body: Body, source: str = MATCHING, *, hours: float = 0, said: float | None = None
) -> Fact:
    """A fact whose id is of this number. It happened so many hours after the start, and was said then too."""
    at = START + timedelta(hours=hours)
    recorded = at if said is None else START + timedelta(hours=said)
    event = event_of(body) if isinstance(body, EventBody) else "outcome-recorded"
    return Fact(source, ref(number), event, at, recorded, body)


def pointer(number: int, source: str = MATCHING) -> dict[str, str]:
    """A fact as a state refers to it."""
    return {"source": source, "id": ref(number)}


def day(days: int) -> date:
    """The day so many days after the start."""
    return (START + timedelta(days=days)).date()


def on(days: int) -> str:
    """The same, as a state has it."""
    return day(days).isoformat()


def referral(**different: Any) -> ReferralCreated:
    """The creation of the referral."""
    return created(LOCALITY, REFERRAL).model_copy(update={"person_ref": ref(3), **different})


def outcome(kind: type[EventBody], **parts: Any) -> EventBody:
    """An outcome of the referral."""
    return kind(referral_id=REFERRAL, locality=LOCALITY, **parts)


def booked(meeting: int, sequence: int = 0, **different: Any) -> MeetingBooked:
    """A meeting three days after the start."""
    parts: dict[str, Any] = {
        "link_worker": "lw-meir-1",
        "practice": "M83100",
        "starts_at": START + timedelta(days=3),
        "minutes": 45,
    }
    return MeetingBooked(
        referral_id=REFERRAL,
        locality=LOCALITY,
        meeting_id=ref(meeting),
        sequence=sequence,
        **(parts | different),
    )


def attended(meeting: int) -> EventBody:
    """The person came."""
    return outcome(o.MeetingAttended, meeting_id=ref(meeting))


def missed(meeting: int) -> EventBody:
    """The person did not come."""
    return outcome(o.MeetingMissed, meeting_id=ref(meeting))


def cancelled(meeting: int) -> EventBody:
    """The meeting is cancelled."""
    return outcome(o.MeetingCancelled, meeting_id=ref(meeting), by=v.By.PERSON, why=v.CancelReason.OTHER)


def waiting(reason: v.WaitingReason = v.WaitingReason.NO_SLOT, days: int = 10) -> EventBody:
    """There is no meeting yet."""
    return outcome(o.MeetingWaiting, reason=reason, expected_by=day(days))


def prescribed(prescription: int, need: v.Need = v.Need.DEBT, **different: Any) -> EventBody:
    """A service of the plan."""
    return outcome(
        o.ServicePrescribed, prescription_id=ref(prescription), service_id=ref(50), need=need, **different
    )


def replied(prescription: int, reply: v.Reply = v.Reply.ACCEPTED, **different: Any) -> EventBody:
    """The service's reply."""
    return outcome(o.ProviderReplied, prescription_id=ref(prescription), reply=reply, **different)


def visited(prescription: int, days: int) -> EventBody:
    """The first visit."""
    return outcome(o.ActivityStarted, prescription_id=ref(prescription), on=day(days))


def not_started(prescription: int) -> EventBody:
    """The person will not go."""
    return outcome(o.ActivityNotStarted, prescription_id=ref(prescription), barrier=v.Barrier.COST)


def ended(prescription: int) -> EventBody:
    """The person goes there no more."""
    return outcome(o.ActivityEnded, prescription_id=ref(prescription), reason=v.EndReason.COMPLETED)


def closed(reason: v.CloseReason = v.CloseReason.COMPLETED, **different: Any) -> EventBody:
    """The referral is closed."""
    return outcome(o.ReferralClosed, reason=reason, **different)


def retracted(number: int, source: str = MATCHING) -> EventBody:
    """The fact of this number was never said."""
    return outcome(o.Retracted, event_source=source, event_id=ref(number), reason=v.RetractReason.UNDONE)


def reopened(number: int, source: str = MATCHING) -> EventBody:
    """The ending of this number is undone."""
    return outcome(o.ReferralReopened, ends_source=source, ends_id=ref(number))


# A kind of a contract to come.
UNKNOWN = UnknownOutcome(REFERRAL, LOCALITY, "to_be_invented")
# The fact of number 100 in every rule that has a creation.
CREATED = fact(100, referral(), REFERRER)
