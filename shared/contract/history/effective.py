"""Effective facts: those of a set that were not retracted, in the one order by which every choice is made."""

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any, TypeVar

from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Body, UnknownOutcome
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history.model import EventRef

# The weight of a source's facts in its locality, by the localities file. The higher number wins.
SourcePriority = Callable[[str], int]

B = TypeVar("B", bound=EventBody)
_WITHOUT_STEPS: Set[type[Body]] = frozenset({ReferralCreated, MeetingBooked, UnknownOutcome})


class EffectiveFacts:
    """The facts that have not been retracted, by kind, each kind in ascending order of (priority, id)."""

    def __init__(self, facts: Sequence[Fact], priority: SourcePriority) -> None:
        self.priority = priority
        self._of: dict[type[Body], list[tuple[Any, EventRef]]] = {}
        if len(facts) > 1:
            facts = sorted(facts, key=lambda f: (priority(f.source), f.id, f.source))
        for fact in facts:
            self._of.setdefault(type(fact.body), []).append((fact.body, fact))
        if o.Retracted in self._of:
            self._retract()

    def _retract(self) -> None:
        retractions = self._of.pop(o.Retracted)
        gone = {(body.event_source, body.event_id) for body, _ in retractions}
        for kind, facts in list(self._of.items()):
            self._of[kind] = [(body, said) for body, said in facts if (said.source, said.id) not in gone]
            if not self._of[kind]:
                del self._of[kind]
        self._of[o.Retracted] = retractions

    def of(self, kind: type[B]) -> list[tuple[B, EventRef]]:
        """The facts of one kind, lowest (priority, id) first."""
        return self._of.get(kind, [])

    def highest(self, kind: type[B]) -> tuple[B, EventRef] | tuple[None, None]:
        """The fact of one kind with the highest (priority, id)."""
        facts = self._of.get(kind)
        return facts[-1] if facts else (None, None)

    def has(self, kind: type[Body]) -> bool:
        """True if a fact of this kind is there."""
        return kind in self._of

    def kinds(self) -> Iterable[type[Body]]:
        """The kinds of which a fact is there."""
        return self._of

    def steps(self) -> list[tuple[o.NextStep, EventRef]]:
        """Every next step that came with an outcome."""
        return [
            (body.next_step, said)
            for kind, facts in self._of.items()
            if kind not in _WITHOUT_STEPS
            for body, said in facts
            if body.next_step is not None
        ]
