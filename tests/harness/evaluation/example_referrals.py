"""Example referrals as sets of facts: written by hand for one case, or drawn at random for many."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralAgreement, ReferralCreated

SOURCE = "/meir/matching"
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def numbered_id(number: int) -> str:
    """The opaque reference that stands for a number."""
    return str(UUID(int=number))


@dataclass
class ExampleReferral:
    """Builds one referral's facts in order; `facts` is the set."""

    number: int = 1
    locality: str = "meir"
    start: datetime = MORNING
    facts: list[Fact] = field(default_factory=list)

    @property
    def referral(self) -> str:
        return numbered_id(self.number)

    def record(self, body: EventBody, at: datetime | None = None, source: str | None = None) -> Fact:
        """Adds a fact; its id sorts after all earlier ids."""
        time = at or self.start
        fact = Fact(
            source=source or f"/{self.locality}/matching",
            id=numbered_id(self.number * 1000 + len(self.facts)),
            event=event_of(body),
            time=time,
            recorded=time,
            body=body,
        )
        self.facts.append(fact)
        return fact

    def _says(self) -> dict[str, Any]:
        return {"referral_id": self.referral, "locality": self.locality}

    def created(self, *needs: v.Need, route: v.Route = v.Route.PRACTICE) -> Fact:
        agreement = ReferralAgreement(by=v.AgreedBy.PERSON, how=v.AgreedHow.IN_PERSON, at=self.start)
        return self.record(
            ReferralCreated(
                **self._says(),
                practice="M83100",
                person_ref=numbered_id(self.number + 10**9),
                route=route,
                age_band=v.AgeBand.FROM_55,
                needs=needs or (v.Need.DEBT,),
                agreement=agreement,
                risk=v.Risk.NONE_KNOWN,
                contact=v.SafeToText.YES,
            )
        )

    def booked(self, after: float, lead: float = 0.0, sequence: int = 0) -> str:
        """Adds a meeting `after` days from the referral, booked `lead` days before it. Returns its id."""
        meeting = numbered_id(self.number * 1000 + 500 + sequence)
        starts = self.start + timedelta(days=after)
        self.record(
            MeetingBooked(
                **self._says(),
                meeting_id=meeting,
                sequence=sequence,
                link_worker="lw-meir-1",
                practice="M83100",
                starts_at=starts,
                minutes=45,
            ),
            at=starts - timedelta(days=lead),
        )
        return meeting

    def attended(self, meeting: str, sooner: timedelta = timedelta(0)) -> Fact:
        at = self._starts(meeting) - sooner
        return self.record(o.MeetingAttended(**self._says(), meeting_id=meeting), at=at)

    def missed(self, meeting: str) -> Fact:
        return self.record(o.MeetingMissed(**self._says(), meeting_id=meeting), at=self._starts(meeting))

    def _starts(self, meeting: str) -> datetime:
        bodies = (fact.body for fact in self.facts)
        return next(b.starts_at for b in bodies if isinstance(b, MeetingBooked) and b.meeting_id == meeting)

    def prescribed(self, number: int = 1, *, signposted: bool = False) -> str:
        prescription = numbered_id(self.number * 1000 + 600 + number)
        self.record(
            o.ServicePrescribed(
                **self._says(),
                prescription_id=prescription,
                service_id=numbered_id(77),
                need=v.Need.DEBT,
                signposted=signposted,
            )
        )
        return prescription

    def replied(self, prescription: str, reply: v.Reply) -> Fact:
        weeks = 3 if reply is v.Reply.WAITING_LIST else None
        reason = v.NotSuitableReason.AGE if reply is v.Reply.NOT_SUITABLE else None
        return self.record(
            o.ProviderReplied(
                **self._says(), prescription_id=prescription, reply=reply, weeks=weeks, reason=reason
            )
        )

    def visited(self, prescription: str, on: date) -> Fact:
        return self.record(o.ActivityStarted(**self._says(), prescription_id=prescription, on=on))

    def not_visited(self, prescription: str, barrier: v.Barrier, at: datetime | None = None) -> Fact:
        return self.record(
            o.ActivityNotStarted(**self._says(), prescription_id=prescription, barrier=barrier), at
        )

    def unmet(self, need: v.Need, reason: v.UnmetReason, at: datetime | None = None) -> Fact:
        return self.record(o.NeedUnmet(**self._says(), need=need, reason=reason), at)

    def contacted(self, *, reached: bool) -> Fact:
        return self.record(o.ContactAttempted(**self._says(), channel=v.Channel.PHONE, reached=reached))

    def ons4(self, stage: v.Stage, on: date, **scores: int) -> Fact:
        given = scores or {"satisfied": 5, "worthwhile": 5, "happy": 5, "anxious": 5}
        return self.record(
            o.Measured(**self._says(), instrument=v.Instrument.ONS4, stage=stage, on=on, scores=given)
        )

    def closed(self, reason: v.CloseReason = v.CloseReason.COMPLETED, at: datetime | None = None) -> Fact:
        return self.record(o.ReferralClosed(**self._says(), reason=reason), at)

    def withdrawn(self, reason: v.WithdrawReason) -> Fact:
        return self.record(o.ReferralWithdrawn(**self._says(), by=v.By.PERSON, reason=reason))

    def retracted(self, fact: Fact) -> Fact:
        return self.record(
            o.Retracted(
                **self._says(),
                event_source=fact.source,
                event_id=fact.id,
                reason=v.RetractReason.ENTERED_IN_ERROR,
            )
        )


def random_referral(
    random: Random, number: int, locality: str = "meir", start: datetime = MORNING
) -> ExampleReferral:
    """A referral with a believable course, short or long; some facts are retracted."""
    example = ExampleReferral(number, locality, start)
    example.created(*random.sample(list(v.Need), random.randint(1, 3)), route=random.choice(list(v.Route)))
    for step in _course(random, example):
        if random.random() < 0.12:
            break
        if step is not None and random.random() < 0.05:
            example.retracted(step)
    if random.random() < 0.02:
        example.withdrawn(random.choice(list(v.WithdrawReason)))
    return example


def _course(random: Random, example: ExampleReferral) -> Iterator[Fact | None]:
    yield example.contacted(reached=random.random() < 0.8)
    after = random.randint(1, 20)
    meeting = example.booked(after, lead=random.choice([0, 1, 4, 9]))
    if random.random() < 0.15:
        yield example.missed(meeting)
        after += random.randint(2, 14)
        meeting = example.booked(after, lead=3, sequence=1)
    yield example.attended(meeting)
    met = (example.start + timedelta(days=after)).date()
    yield example.ons4(v.Stage.BEFORE, met, **_scores(random, 5))
    if random.random() < 0.4:
        recorded_at = example.start + timedelta(days=after)
        yield example.unmet(random.choice(list(v.Need)), random.choice(list(v.UnmetReason)), recorded_at)
    prescription = example.prescribed(signposted=random.random() < 0.2)
    if random.random() < 0.8:
        yield example.replied(prescription, random.choice(list(v.Reply)))
    if random.random() < 0.45:
        yield example.not_visited(prescription, random.choice(list(v.Barrier)))
        return
    yield example.visited(prescription, met + timedelta(days=random.randint(2, 40)))
    if random.random() < 0.45:
        yield example.ons4(v.Stage.AFTER, met + timedelta(days=84), **_scores(random, 6))
        yield example.closed(at=example.start + timedelta(days=after + 90))


def _scores(random: Random, middle: int) -> dict[str, int]:
    """Answers round about a middle; an item may have been skipped."""
    items = [item for item in ("satisfied", "worthwhile", "happy", "anxious") if random.random() < 0.92]
    return {item: min(10, max(0, round(random.gauss(middle, 2)))) for item in items or ["happy"]}
