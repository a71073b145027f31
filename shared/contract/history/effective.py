"""Effective facts: those of a set that count, in the one order by which every choice is made.

What counts is judged from the whole set, so that order cannot matter. A fact that does not count yet may
count once others have arrived.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Final, TypeVar

from shared.contract.authority import GUARDED, parts_of
from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Body, UnknownOutcome
from shared.contract.events.fact import Fact, FactKey
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.events.topics import SourcePart
from shared.contract.events.vocabulary import Agreed, SafeToText
from shared.contract.history.model import EventRef
from shared.contract.history.sources import SourceTable

B = TypeVar("B", bound=EventBody)
_WITHOUT_STEPS: Set[type[Body]] = frozenset({ReferralCreated, MeetingBooked, UnknownOutcome})
_GUARDED: Final[Mapping[type[Body], SourcePart]] = {
    kind: GUARDED[name]
    for kind in o.Outcome.__subclasses__()
    if (name := kind.model_fields["kind"].default) in GUARDED
}
_FIRST: Final = {0}
_NOTHING: Final[Mapping[FactKey, Fact]] = {}


class EffectiveFacts:
    """The facts that count, by kind, each kind in ascending order of (priority, id).

    - `retracted` counts of a fact of its own source, and from a source that speaks for a part which says the
      fact's kind. It makes the fact never said, whichever of the two comes first.
    - A meeting counts once a creation of its referral was ever said. Its sequence n counts where n-1 was.
    - Kinds of `authority.GUARDED` count from sources that speak for the part which says them, and from the
      source of the creation that stands. A word that permits nothing, such as a no to sharing, counts from
      any source.
    - A source speaks for a part by its name if it is ours, and else by the table, whoever owns the part now.
    - A source that no list names retracts nothing, and says nothing of these kinds beside such words.

    Attributes:
        retracted: the facts that were retracted, each with the fact that retracts it.
    """

    def __init__(self, facts: Sequence[Fact], sources: SourceTable) -> None:
        self.priority = priority = sources.rank
        self._parts = sources.parts
        self.retracted: Mapping[FactKey, Fact] = _NOTHING
        self._of: dict[type[Body], list[tuple[Any, EventRef]]] = {}
        if len(facts) > 1:
            facts = sorted(facts, key=lambda f: (priority(f.source), f.id, f.source))
        for fact in facts:
            self._of.setdefault(type(fact.body), []).append((fact.body, fact))
        created = self._of.get(ReferralCreated)
        booked = self._of.get(MeetingBooked)
        if o.Retracted in self._of:
            self._retract(facts)
        if booked is not None:
            sequences = {body.sequence for body, _ in booked}
            if created is None or sequences != _FIRST:
                self._judge_meetings(created is not None, sequences)
        if not _GUARDED.keys().isdisjoint(self._of):
            standing = self._of.get(ReferralCreated, created)
            self._judge_guarded(standing[-1][1].source if standing else None)

    def _retract(self, facts: Sequence[Fact]) -> None:
        by_key = {fact.key: fact for fact in facts}
        retracted: dict[FactKey, Fact] = {}
        retractions: list[tuple[Any, EventRef]] = []
        for body, said in self._of.pop(o.Retracted):
            target = by_key.get(FactKey(body.event_source, body.event_id))
            if target is not None and self._may_retract(said.source, target):
                retracted.setdefault(target.key, by_key[FactKey(said.source, said.id)])
                retractions.append((body, said))
        for kind in list(self._of):
            self._keep(kind, lambda _, said: (said.source, said.id) not in retracted)
        self.retracted = retracted
        if retractions:  # A retraction cannot be retracted.
            self._of[o.Retracted] = retractions

    def _may_retract(self, source: str, target: Fact) -> bool:
        if source == target.source:
            return self.is_known(source)
        return not self._parts(source).isdisjoint(parts_of(target.kind))

    def _judge_meetings(self, created: bool, sequences: Set[int]) -> None:
        def counts(body: MeetingBooked, _: EventRef) -> bool:
            return created and (body.sequence == 0 or body.sequence - 1 in sequences)

        self._keep(MeetingBooked, counts)

    def _judge_guarded(self, creator: str | None) -> None:
        for kind, part in _GUARDED.items():

            def counts(body: Any, said: EventRef, part: SourcePart = part) -> bool:
                if part in self._parts(said.source) or _is_careful(body):
                    return True
                return said.source == creator and self.priority(said.source) > 0

            self._keep(kind, counts)

    def _keep(self, kind: type[Body], counts: Callable[[Any, EventRef], bool]) -> None:
        kept = [(body, said) for body, said in self._of.get(kind, ()) if counts(body, said)]
        if kept:
            self._of[kind] = kept
        else:
            self._of.pop(kind, None)

    def is_known(self, source: str) -> bool:
        """True if a source is ours, or a list of the locality names it."""
        return self.priority(source) > 0 or bool(self._parts(source))

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

    @property
    def number(self) -> int:
        """The number of facts that count."""
        return sum(map(len, self._of.values()))

    def keys(self) -> frozenset[FactKey]:
        """The facts that count, by their keys."""
        return frozenset(FactKey(said.source, said.id) for facts in self._of.values() for _, said in facts)

    def steps(self) -> list[tuple[o.NextStep, EventRef]]:
        """Every next step that came with an outcome."""
        return [
            (body.next_step, said)
            for kind, facts in self._of.items()
            if kind not in _WITHOUT_STEPS
            for body, said in facts
            if body.next_step is not None
        ]


def _is_careful(body: Any) -> bool:
    """True if a fact permits nothing: no to sharing, or not to be texted."""
    if isinstance(body, o.SharingChanged):
        return body.agreed is not Agreed.YES
    return isinstance(body, o.ContactChanged) and body.contact is not SafeToText.YES
