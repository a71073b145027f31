"""Strategies that make up journeys: sets of facts about one referral, sensible or not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from shared.delivery.facts import Fact
from shared.events import outcomes as o
from shared.events import vocabulary as v
from shared.events.envelope import event_of
from shared.events.models import EventBody, MeetingBooked
from tests.delivery.toy import created

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LOCALITY = "meir"
REFERRAL = str(UUID(int=1))
SOURCES = ["/meir/referral", "/meir/matching", "/meir/partner"]


def rank(source: str) -> int:
    """Matching's word counts more than a partner's."""
    return SOURCES.index(source) if source in SOURCES[:2] else 0


def ref(number: int) -> str:
    return str(UUID(int=number))


REFS = st.integers(10, 13).map(ref)
DAYS = st.integers(0, 90).map(lambda n: (START + timedelta(days=n)).date())


def about(kind: type[EventBody], **parts: st.SearchStrategy[object]) -> st.SearchStrategy[EventBody]:
    fixed = {"referral_id": st.just(REFERRAL), "locality": st.just(LOCALITY)}
    return st.builds(kind, **fixed, **parts)


BODIES: st.SearchStrategy[EventBody] = st.one_of(
    st.just(created(LOCALITY, REFERRAL)),
    about(
        MeetingBooked,
        meeting_id=REFS,
        sequence=st.integers(0, 4),
        replaces=st.none() | REFS,
        link_worker=st.sampled_from(["lw-meir-1", "lw-meir-2"]),
        practice=st.just("M83100"),
        starts_at=st.integers(0, 90).map(lambda n: START + timedelta(days=n)),
        minutes=st.just(45),
        provisional=st.booleans(),
    ),
    about(
        o.MeetingAttended,
        meeting_id=REFS,
        next_step=st.none() | st.builds(o.NextStep, code=st.sampled_from(v.NextStepCode), on=DAYS),
    ),
    about(o.MeetingMissed, meeting_id=REFS),
    about(o.MeetingCancelled, meeting_id=REFS, by=st.sampled_from(v.By), why=st.sampled_from(v.CancelReason)),
    about(o.MeetingWaiting, reason=st.sampled_from(v.WaitingReason), expected_by=DAYS),
    about(o.ContactAttempted, channel=st.sampled_from(v.Channel), reached=st.booleans()),
    about(o.LinkWorkerChanged, link_worker=st.sampled_from(["lw-meir-1", "lw-meir-2"])),
    about(o.PlanAgreed, plan_id=REFS, revision=st.integers(1, 3)),
    about(
        o.ServicePrescribed,
        prescription_id=REFS,
        service_id=REFS,
        need=st.sampled_from(v.Need),
        signposted=st.booleans(),
    ),
    about(o.ProviderReplied, prescription_id=REFS, reply=st.sampled_from([v.Reply.ACCEPTED, v.Reply.FULL])),
    about(o.ActivityStarted, prescription_id=REFS, on=DAYS, accompanied_by=st.sampled_from(v.AccompaniedBy)),
    about(o.ActivityNotStarted, prescription_id=REFS, barrier=st.sampled_from(v.Barrier)),
    about(o.ActivityEnded, prescription_id=REFS, reason=st.sampled_from(v.EndReason)),
    about(o.NeedUnmet, need=st.sampled_from(v.Need), reason=st.sampled_from(v.UnmetReason)),
    about(
        o.Measured,
        instrument=st.just(v.Instrument.ONS4),
        stage=st.sampled_from(v.Stage),
        on=DAYS,
        scores=st.dictionaries(st.sampled_from(["satisfied", "happy"]), st.integers(0, 10), min_size=1),
    ),
    about(o.SharingChanged, agreement=st.just(v.Agreement.FOLLOW_UP), agreed=st.sampled_from(v.Agreed)),
    about(
        o.SharingChanged,
        agreement=st.just(v.Agreement.SERVICE),
        agreed=st.sampled_from(v.Agreed),
        prescription_id=REFS,
    ),
    about(o.ReferralClosed, reason=st.sampled_from(v.CloseReason)),
    about(o.ReferralDeclined, by=st.sampled_from(v.By), reason=st.sampled_from(v.DeclineReason)),
    about(o.ReferralReturned, reason=st.sampled_from(v.ReturnReason)),
    about(o.ReferralWithdrawn, by=st.sampled_from(v.By), reason=st.sampled_from(v.WithdrawReason)),
    about(o.ReferralReopened, ends_source=st.sampled_from(SOURCES), ends_id=st.integers(100, 140).map(ref)),
    about(
        o.Retracted,
        event_source=st.sampled_from(SOURCES),
        event_id=st.integers(100, 140).map(ref),
        reason=st.sampled_from(v.RetractReason),
    ),
)


@st.composite
def journeys(draw: st.DrawFn, most: int = 40) -> list[Fact]:
    """Up to `most` facts about one referral: any kinds, contradictions, clocks an hour wrong."""
    bodies = draw(st.lists(BODIES, min_size=1, max_size=most))
    facts = []
    for number, body in enumerate(bodies):
        said = START + timedelta(minutes=draw(st.integers(-60, 60)))
        source = draw(st.sampled_from(SOURCES))
        facts.append(Fact(source, ref(100 + number), event_of(body), said, said, body))
    return facts


def with_repeats(facts: Sequence[Fact], order: Sequence[int]) -> list[Fact]:
    """The facts in another order, some of them again: as copies, not the same objects."""
    return [replace(facts[n % len(facts)]) for n in order]
