"""Folds the set of a referral's facts into its story.

Order and repetition cannot matter: everything is chosen by keys that the facts carry, never by arrival and
never by "the latest time wins", because a clock may be an hour wrong. The written rules:

- `retracted` makes the fact that it names never said; a retraction cannot be retracted (say the thing again).
- Of two facts that say the same thing about the same subject (one meeting id, one prescription id, the
  referral's creation), the one of the higher (rank of source, id) stands. A meeting is no longer provisional
  where any of them says so of the same link worker and time.
- The active meeting is the highest (sequence, rank of source, id) of those neither cancelled, replaced,
  attended nor missed. A meeting that another names in `replaces` is replaced for good.
- Attended beats missed beats cancelled; started beats not started.
- Where agreements to share contradict each other, no beats yes: fail closed. To change an agreement is to
  retract the earlier fact and say the new one.
- Whether messages are safe is as the referral said, until it is said anew. Where what was said anew
  contradicts itself, only a yes from all is a yes. To change it again is to retract the earlier word.
- A referral is open while it is created and none of its endings stands; `referral_reopened` undoes exactly
  the ending that it names.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Any, TypeVar

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Body, UnknownOutcome
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history.meetings import meetings_of
from shared.contract.history.model import Ending, EventRef, ReferralHistory
from shared.contract.history.prescriptions import prescriptions_of

SourcePriority = Callable[[str], int]
"""How much a source's word counts in its locality; a higher number wins. From the localities file."""

B = TypeVar("B", bound=EventBody)
_ENDINGS: Set[type[Body]] = frozenset(
    {o.ReferralClosed, o.ReferralDeclined, o.ReferralReturned, o.ReferralWithdrawn}
)
_BEGINNING: Set[type[Body]] = frozenset({ReferralCreated, MeetingBooked})
_WITHOUT_STEPS = _BEGINNING | {UnknownOutcome}
Facts = Sequence[tuple[B, EventRef]]


class EffectiveFacts:
    """The facts that have not been retracted, by kind, in the one order that every choice is made by."""

    def __init__(self, facts: Sequence[Fact], rank: SourcePriority) -> None:
        self.rank = rank
        self._of: dict[type[Body], list[tuple[Any, EventRef]]] = {}
        if len(facts) > 1:
            facts = sorted(facts, key=lambda f: (rank(f.source), f.id, f.source))
        for fact in facts:
            self._of.setdefault(type(fact.body), []).append((fact.body, fact))
        if o.Retracted in self._of:
            self._take_back()

    def _take_back(self) -> None:
        retracted = self._of.pop(o.Retracted)
        gone = {(body.event_source, body.event_id) for body, _ in retracted}
        for kind, told in list(self._of.items()):
            self._of[kind] = [(body, said) for body, said in told if (said.source, said.id) not in gone]
            if not self._of[kind]:
                del self._of[kind]
        self._of[o.Retracted] = retracted

    def of(self, kind: type[B]) -> list[tuple[B, EventRef]]:
        """The facts of one kind, lowest (rank, id) first."""
        return self._of.get(kind, [])

    def has(self, kind: type[Body]) -> bool:
        """Whether something of this kind was said: of most kinds, as most stories are short, not."""
        return kind in self._of

    def has_any(self, kinds: Set[type[Body]]) -> bool:
        return not kinds.isdisjoint(self._of)

    def has_others(self, kinds: Set[type[Body]]) -> bool:
        """Whether anything was said that is not of these kinds."""
        return not self._of.keys() <= kinds

    def steps(self) -> list[tuple[o.NextStep, EventRef]]:
        """Every next step that was said with an outcome."""
        return [
            (body.next_step, said)
            for kind, facts in self._of.items()
            if kind not in _WITHOUT_STEPS
            for body, said in facts
            if body.next_step is not None
        ]


def fold_referral(facts: Iterable[Fact], rank: SourcePriority) -> ReferralHistory:
    """The story that this set of facts tells, whatever order they came in."""
    facts = list(facts)
    told = EffectiveFacts(facts, rank)
    created = _highest(told.of(ReferralCreated))
    meetings, active = meetings_of(told.of(MeetingBooked), told) if told.has(MeetingBooked) else ((), None)
    begun = ReferralHistory(
        created=created[0] if created else None,
        created_said=created[1] if created else None,
        meetings=meetings,
        active=active,
        link_worker=meetings[-1].booked.link_worker if meetings else None,
        last_recorded=max([fact.recorded for fact in facts], default=None),
    )
    return _continued(begun, told) if told.has_others(_BEGINNING) else begun


def _continued(begun: ReferralHistory, told: EffectiveFacts) -> ReferralHistory:
    """With what came after the referral and its meetings: of most stories, as most are short, nothing."""
    rank = told.rank
    waiting = _highest(told.of(o.MeetingWaiting))
    plan = max(told.of(o.PlanAgreed), key=lambda p: (p[0].revision, rank(p[1].source), p[1].id), default=None)
    changed = _highest(told.of(o.LinkWorkerChanged))
    step = max(told.steps(), key=lambda s: (s[1].id, rank(s[1].source), s[1].source), default=None)
    return replace(
        begun,
        waiting=waiting[0] if waiting else None,
        waiting_said=waiting[1] if waiting else None,
        link_worker=changed[0].link_worker if changed else begun.link_worker,
        plan=plan[0] if plan else None,
        plan_said=plan[1] if plan else None,
        prescriptions=prescriptions_of(told) if told.has(o.ServicePrescribed) else (),
        contacts=tuple(told.of(o.ContactAttempted)),
        unmet=tuple(told.of(o.NeedUnmet)),
        measured={(m.instrument, m.stage): (m, said) for m, said in told.of(o.Measured)},
        details_to_gp=_agreed(told, v.Agreement.DETAILS_TO_GP),
        follow_up=_agreed(told, v.Agreement.FOLLOW_UP),
        next_step=step[0] if step else None,
        next_step_said=step[1] if step else None,
        contact_changes=tuple(told.of(o.ContactChanged)),
        endings=_endings(told) if told.has_any(_ENDINGS) else (),
        reopenings=len(told.of(o.ReferralReopened)),
        erased=bool(told.of(o.PersonErased)),
    )


def _highest(of_a_kind: Facts[B]) -> tuple[B, EventRef] | None:
    return of_a_kind[-1] if of_a_kind else None


def _agreed(told: EffectiveFacts, agreement: v.Agreement) -> v.Agreed:
    if not told.has(o.SharingChanged):
        return v.Agreed.NOT_ASKED
    said = {s.agreed for s, _ in told.of(o.SharingChanged) if s.agreement is agreement}
    return next((a for a in (v.Agreed.NO, v.Agreed.YES) if a in said), v.Agreed.NOT_ASKED)


def _endings(told: EffectiveFacts) -> tuple[Ending, ...]:
    undone = {(r.ends_source, r.ends_id) for r, _ in told.of(o.ReferralReopened)}
    ends = [
        *(Ending("closed", c.reason, said, c.note) for c, said in told.of(o.ReferralClosed)),
        *(Ending("declined", d.reason, said, d.note) for d, said in told.of(o.ReferralDeclined)),
        *(Ending("returned", r.reason, said, r.note) for r, said in told.of(o.ReferralReturned)),
        *(Ending("withdrawn", w.reason, said, w.note) for w, said in told.of(o.ReferralWithdrawn)),
    ]
    return tuple(
        sorted((e for e in ends if (e.said.source, e.said.id) not in undone), key=lambda e: e.said.id)
    )
