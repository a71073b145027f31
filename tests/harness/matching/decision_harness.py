"""A locality in memory: receives facts, makes decisions and keeps diaries as kernel and store would."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from services.matching.booking.days import Caseload, Day
from services.matching.booking.diary import Diaries
from services.matching.booking.policy import RETRY_BOOKING, reconcile, reserve_for_urgent
from services.matching.definition import service_definition
from services.matching.referral_state.commands import About, Command
from services.matching.referral_state.state import ReferralState
from services.matching.roster.link_workers import Hours, LinkWorker
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import EventBody, MeetingBooked, ReferralAgreement, ReferralCreated
from shared.contract.events.vocabulary import (
    AccessNeed,
    AgeBand,
    AgreedBy,
    AgreedHow,
    HalfDay,
    Need,
    Risk,
    Route,
    SafeToText,
    Urgency,
)
from shared.contract.history import ListedSources
from shared.delivery.model.decision import ScheduledTask, TaskRow
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.unit_of_work.aggregate import ReferralAggregate

# A Monday, before all working hours.
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
LOCALITY = "meir"
PRACTICE = "M83100"
OTHER_PRACTICE = "M83713"
OURS = ("booking", "casework", "directory", "matching")
RANKS = {
    "/meir/partner": 50,
    **{f"/meir/{part}": 40 for part in OURS},
    "/meir/referral": 30,
    "/meir/former": 15,
    "/meir/history": 10,
}


# A partner that owned booking before.
SOURCES = ListedSources(RANKS, brings={"/meir/former": "booking"})
PART = service_definition(SOURCES)


def worker(
    name: str = "lw-meir-1",
    *,
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4),
    opens: time = time(9),
    closes: time = time(12),
    practices: tuple[str, ...] = (PRACTICE,),
    **more: object,
) -> LinkWorker:
    """A link worker with the same hours on each of these days."""
    hours = tuple(
        Hours(weekday=day, opens=opens, closes=closes, practices=practices, place="Room 4")
        for day in weekdays
    )
    return LinkWorker.model_validate(
        {
            "id": name,
            "locality": LOCALITY,
            "name": "Priya Wainwright",
            "email": "priya@links.example",
            "telephone": "01632 960401",
            "hours": hours,
            "meeting_minutes": 45,
        }
        | more
    )


def created(
    referral_id: str,
    *,
    practice: str = PRACTICE,
    urgency: Urgency = Urgency.ROUTINE,
    contact: SafeToText = SafeToText.YES,
    language: str = "en",
    interpreter: bool = False,
    access_needs: tuple[AccessNeed, ...] = (),
    cannot_come: tuple[HalfDay, ...] = (),
    locality: str = LOCALITY,
    at: datetime = NOW,
    person_ref: str | None = None,
) -> ReferralCreated:
    return ReferralCreated(
        referral_id=referral_id,
        locality=locality,
        practice=practice,
        person_ref=person_ref or referral_id,
        route=Route.PRACTICE,
        age_band=AgeBand.FROM_65,
        needs=(Need.DEBT,),
        agreement=ReferralAgreement(by=AgreedBy.PERSON, how=AgreedHow.IN_PERSON, at=at),
        risk=Risk.NONE_KNOWN,
        contact=contact,
        urgency=urgency,
        outward_code="ST3",
        language=language,
        interpreter=interpreter,
        access_needs=access_needs,
        cannot_come=cannot_come,
    )


def _ids() -> Iterator[str]:
    n = 0
    while True:
        n += 1
        yield str(UUID(int=(0x7 << 76) | (0x8 << 60) | n | (n << 80)))


@dataclass
class DecisionHarness:
    """A locality. Its time passes only when a test says so."""

    now: datetime = NOW
    workers: dict[str, LinkWorker] = field(default_factory=dict)
    days: dict[tuple[str, date], Day] = field(default_factory=dict)
    caseloads: dict[str, Caseload] = field(default_factory=dict)
    cases: dict[str, ReferralAggregate[ReferralState, Diaries]] = field(default_factory=dict)
    due: dict[tuple[str, str], ScheduledTask] = field(default_factory=dict)
    said: list[Envelope] = field(default_factory=list)
    ids: Iterator[str] = field(default_factory=_ids)
    # True if times came free since waiting referrals were last woken. The store wakes them then.
    room: bool = False
    # Returned referrals of people with another open referral.
    referred_again: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *workers: LinkWorker) -> "DecisionHarness":
        return cls(workers={each.id: each for each in workers})

    def new_id(self) -> str:
        return next(self.ids)

    def envelope(self, body: EventBody, by: str = "referral", at: datetime | None = None) -> Envelope:
        time = at or self.now
        raw = body.model_dump_json(exclude_none=True).encode()
        return Envelope(self.new_id(), f"/meir/{by}", event_of(body), time, time, body, raw)

    def refer(self, at: datetime | None = None, **traits: object) -> str:
        """Refers a person and returns the referral's id."""
        referral_id = self.new_id()
        self.hear(self.envelope(created(referral_id, at=at or self.now, **traits), at=at))  # type: ignore[arg-type]  # traits of `created`
        return referral_id

    def hear(self, *events: Envelope) -> list[EventBody]:
        """Receives a batch: folds all of its facts, then decides. Returns the events published."""
        kinds: dict[str, list[str]] = {}
        for event in events:
            heard = ReceivedEvent.of(event)
            if self.case(event.body.referral_id).append(heard) == "appended":
                kinds.setdefault(event.body.referral_id, []).append(heard.fact.kind)
        diaries = self.load()
        reserve_for_urgent([(name, self.view(name)) for name in kinds], diaries)
        for name, new in kinds.items():
            case = self.cases[name]
            case.decide(new, diaries, case.decision_context(self.now, self.new_id))
        return self._keep(diaries)

    def act(self, referral_id: str, act: Command) -> list[EventBody]:
        """Runs a command. Raises Refused, and then nothing has changed."""
        case = deepcopy(self.case(referral_id))
        diaries = self.load()
        context = case.decision_context(self.now, self.new_id)
        decision = act(case.view, diaries, context)
        case.decide(case.apply(decision, context), diaries, context)
        self.cases[referral_id] = case
        return self._keep(diaries)

    def pass_time(self, **duration: float) -> list[EventBody]:
        """Lets time pass and runs every task that falls due, in order."""
        until = self.now + timedelta(**duration)
        spoken: list[EventBody] = []
        while self.due:
            key, due = min(self.due.items(), key=lambda each: each[1].at)
            if due.at > until:
                break
            self.now = max(self.now, due.at)
            spoken += self._look(key)
        self.now = until
        return spoken

    def wake(self) -> list[EventBody]:
        """Wakes all waiting referrals because times came free, the urgent first."""
        self.room = False
        waiting = [
            key for key, due in self.due.items() if due.payload.keys().isdisjoint({"asked", "patient"})
        ]
        order = sorted(waiting, key=lambda key: (not self.due[key].payload["soon"], key))
        return [body for key in order if key in self.due for body in self._look(key)]

    def view(self, referral_id: str) -> ReferralState:
        return self.case(referral_id).view

    def case(self, referral_id: str) -> ReferralAggregate[ReferralState, Diaries]:
        return self.cases.setdefault(referral_id, ReferralAggregate(PART, LOCALITY, referral_id))

    def load(self) -> Diaries:
        days, caseloads = deepcopy(self.days), deepcopy(self.caseloads)
        return Diaries(self.now, self.workers, days, caseloads, referred_again=self.referred_again)

    def says_nothing_more(self) -> bool:
        """True if every decision, made again, adds nothing."""
        diaries = self.load()
        return not any(
            reconcile(case.view, diaries, case.decision_context(self.now, self.new_id)).facts
            for case in self.cases.values()
        )

    def look(self, referral_id: str, look: Command) -> list[EventBody]:
        """Looks at a referral after a hand-over, and decides what follows."""
        case, diaries = self.case(referral_id), self.load()
        context = case.decision_context(self.now, self.new_id)
        case.decide(case.apply(look(case.view, diaries, context), context), diaries, context)
        return self._keep(diaries)

    def _look(self, key: tuple[str, str]) -> list[EventBody]:
        due = self.due.pop(key)
        case = self.case(key[0])
        diaries = self.load()
        context = case.decision_context(self.now, self.new_id)
        row = TaskRow(due.what, due.about, due.at, due.payload)
        decision = PART.tasks[RETRY_BOOKING](case.view, diaries, context, row)
        case.decide(case.apply(decision, context), diaries, context)
        return self._keep(diaries)

    def _keep(self, diaries: Diaries) -> list[EventBody]:
        self.room = self.room or bool(diaries.freed)
        for key in diaries.touched_days:
            self.days[key] = diaries.days[key]
        for name in diaries.touched_caseloads:
            self.caseloads[name] = diaries.caseloads[name]
        spoken: list[EventBody] = []
        for name, case in self.cases.items():
            for what in case.cancelled_tasks:
                if what[0] == RETRY_BOOKING:
                    self.due.pop((name, RETRY_BOOKING), None)
            for due in case.tasks:
                # One clock for all here, so a rescheduled task is due when its delay is over.
                self.due[name, due.what] = replace(due, at=self.now + due.delay) if due.delay else due
            self.said += case.emitted
            spoken += [each.body for each in case.emitted if isinstance(each.body, EventBody)]
            case.tasks, case.cancelled_tasks, case.emitted = [], [], []
        return spoken


def active(view: ReferralState) -> MeetingBooked:
    """The active meeting, which must exist."""
    assert view.story.active is not None
    return view.story.active.booked


def about(referral_id: str) -> About:
    return {"referral_id": referral_id, "locality": LOCALITY}
