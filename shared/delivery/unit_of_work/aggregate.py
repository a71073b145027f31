"""One referral within one transaction: its stored facts, its new facts, and the view that they fold to."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal

from pymongo import UpdateOne

from shared.contract.authority import parts_of
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.fact import Fact, FactKey, kind_of
from shared.contract.events.models import EventBody
from shared.contract.events.topics import SourcePart, source
from shared.delivery.model.decision import Decision, DecisionContext, NewEvent, ScheduledTask
from shared.delivery.model.facts import UNREADABLE, ReceivedEvent, Stored, restore, same_body
from shared.delivery.model.service_definition import Changed, Document, R, ServiceDefinition, V
from shared.delivery.mongo.database import Row
from shared.platform.ids import NewId

_log = logging.getLogger(__name__)

# A decision may call for another (a cancelled meeting for a new one). More rounds than this are a loop.
_MAX_ROUNDS: Final = 8

AppendResult = Literal["appended", "duplicate", "conflict", "full"]

# Of the bodies of one referral. A journey of forty facts has 20 kB, and MongoDB refuses a document over 16
# MB.
MAX_BYTES: Final = 4_000_000


def aggregate_id(locality: str, referral_id: str) -> str:
    """The key of a referral's document.

    It holds the locality, so that no locality writes another's referral.
    """
    return f"{locality}/{referral_id}"


def is_outdated(definition: ServiceDefinition[V, R], stored: Row) -> bool:
    """True if a document's view must be folded again.

    A process that is behind with the table leaves a view by a later one alone.
    """
    rules = definition.fold_rules_version(stored["locality"])
    return bool(stored["fold"] != definition.fold_version or stored.get("rules", 0) < rules)


@dataclass(slots=True)
class ReferralAggregate(Generic[V, R]):
    """A referral's facts as they stand in this transaction.

    Attributes:
        before: the stored view document, if there is one.
        known: the body of each fact of the set.
        size: bytes of these bodies.
        added: the new facts of this transaction, our own among them.
        emitted: the new events of our own, to be published.
        outdated: another version of the fold made the stored view, or the fold by an earlier table.
    """

    definition: ServiceDefinition[V, R]
    locality: str
    referral_id: str
    version: int = 0
    before: Document | None = None
    known: dict[FactKey, bytes] = field(default_factory=dict)
    stored_facts: list[Stored] = field(default_factory=list)
    size: int = 0
    added: list[ReceivedEvent] = field(default_factory=list)
    emitted: list[Envelope] = field(default_factory=list)
    tasks: list[ScheduledTask] = field(default_factory=list)
    cancelled_tasks: list[tuple[str, str]] = field(default_factory=list)
    outdated: bool = False
    decided: bool = False
    correlation: str | None = None
    traceparent: str | None = None
    _facts: list[Fact] | None = None
    _view: V | None = None
    _document: Document | None = None

    @classmethod
    def from_document(cls, definition: ServiceDefinition[V, R], stored: Row) -> "ReferralAggregate[V, R]":
        """The aggregate of a stored document."""
        rows = stored["facts"]
        return cls(
            definition=definition,
            locality=stored["locality"],
            referral_id=stored["referral"],
            version=stored["v"],
            before=stored["view"],
            known={FactKey(row["s"], row["i"]): row["b"] for row in rows},
            stored_facts=rows,
            size=sum(len(row["b"]) for row in rows),
            outdated=is_outdated(definition, stored),
        )

    @property
    def id(self) -> str:
        """The key of the referral's document."""
        return aggregate_id(self.locality, self.referral_id)

    @property
    def changed(self) -> bool:
        """True if the document must be written, also because a task or a decision rests on the version read.

        A decision without an event may still have released or taken a time of a diary.
        """
        rests = self.tasks or self.cancelled_tasks or self.decided
        return bool(self.added) or self.outdated or bool(self.version and rests)

    @property
    def facts(self) -> list[Fact]:
        """All facts. Stored facts are parsed on first use, because a duplicate needs none of them."""
        if self._facts is None:
            stored = [restore(row, self.locality, self.referral_id) for row in self.stored_facts]
            lost = sum(fact.kind == UNREADABLE for fact in stored)
            if lost:
                _log.error("%d stored facts cannot be read any more", lost, extra={"case": self.id})
            self._facts = stored + [event.fact for event in self.added]
        return self._facts

    @property
    def view(self) -> V:
        """The view of the facts as they stand."""
        return self.fold()

    @property
    def document(self) -> Document:
        """The document of the view as it stands."""
        if self._document is None:
            self._document = self.definition.to_document(self.fold())
        return self._document

    def append(self, event: ReceivedEvent) -> AppendResult:
        """Adds a fact to the set. A duplicate changes nothing.

        Returns:
            `conflict` for another body under a known key; `full` if the document has no room for the fact, so
            that a flood about one referral does not stop the others.
        """
        key = event.fact.key
        known = self.known.get(key)
        if known is not None:
            return "duplicate" if same_body(known, event.raw) else "conflict"
        if self.size + len(event.raw) > MAX_BYTES:
            return "full"
        self._add(key, event)
        return "appended"

    def _add(self, key: FactKey, event: ReceivedEvent) -> None:
        self.size += len(event.raw)
        self.known[key] = event.raw
        self.added.append(event)
        if self._facts is not None:
            self._facts.append(event.fact)
        self._view = self._document = None
        self.correlation = event.correlation or self.correlation
        self.traceparent = event.traceparent or self.traceparent

    def fold(self) -> V:
        """Folds the facts to the view, once after each change of the set."""
        if self._view is None:
            self._view = self.definition.fold(self.facts)
        return self._view

    def decide(self, kinds: Sequence[str], resources: R, context: DecisionContext) -> None:
        """Makes the decisions that these kinds of new facts call for, and those that follow from them."""
        decisions = self.definition.decisions
        pending = list(kinds)
        for _ in range(_MAX_ROUNDS):
            calls = list(dict.fromkeys(decisions[kind] for kind in pending if kind in decisions))
            if not calls:
                return
            pending = []
            for call in calls:
                pending += self.apply(call(self.fold(), resources, context), context)
        raise RuntimeError(f"{self.definition.name}: decisions call for one another without end")

    def apply(self, decision: Decision, context: DecisionContext) -> list[str]:
        """Applies a decision's events, tasks and cancelled tasks; returns the kinds of the events."""
        self.decided = True
        self.tasks = [task for task in self.tasks if (task.what, task.about) not in decision.cancelled_tasks]
        self.cancelled_tasks += decision.cancelled_tasks
        self.tasks += decision.tasks
        return [self._emit(new, context) for new in decision.facts]

    def _emit(self, new: NewEvent | EventBody, context: DecisionContext) -> str:
        new = new if isinstance(new, NewEvent) else NewEvent(new)
        body = new.body
        if (body.locality, body.referral_id) != (self.locality, self.referral_id):
            raise ValueError(f"{self.definition.name}: a decision about one referral spoke of another")
        event_name = event_of(body)
        part = new.part or self._part_of(kind_of(event_name, body))
        envelope = Envelope(
            id=new.id or context.new_id(),
            source=source(self.locality, part),
            event=event_name,
            time=new.time or context.now,
            recorded=context.now,
            body=body,
            raw=body.to_json(),
            correlation=self.correlation or self.referral_id,
            traceparent=self.traceparent,
            actor=context.actor,
        )
        event = ReceivedEvent.of(envelope)
        key = event.fact.key
        if key not in self.known:
            self._add(key, event)
            self.emitted.append(envelope)
        return event.fact.kind

    def to_write(self) -> Document | UpdateOne:
        """The one write of this referral: a new document, or an update of the version that was read."""
        rows = [event.stored() for event in self.added]
        if self.version == 0:
            return {
                "_id": self.id,
                "locality": self.locality,
                "referral": self.referral_id,
                "v": 1,
                **self._folded_by(),
                "facts": rows,
                "view": self.document,
            }
        change: dict[str, Any] = {
            "$set": {"view": self.document, **self._folded_by()},
            "$inc": {"v": 1},
        }
        if rows:
            change["$push"] = {"facts": {"$each": rows}}
        return UpdateOne({"_id": self.id, "v": self.version}, change)

    def _folded_by(self) -> Document:
        """The versions of the fold, and of the table that it depends on."""
        definition = self.definition
        return {"fold": definition.fold_version, "rules": definition.fold_rules_version(self.locality)}

    def as_changed(self) -> Changed[V]:
        """The change as the repository receives it."""
        own = {FactKey(envelope.source, envelope.id) for envelope in self.emitted}
        return Changed(
            self.locality,
            self.referral_id,
            self.before,
            self.fold(),
            self.document,
            tuple(event.fact for event in self.added),
            tuple(event.fact for event in self.added if event.fact.key in own),
        )

    def decision_context(self, now: datetime, new_id: NewId, actor: str | None = None) -> DecisionContext:
        """The context of a decision about this referral."""
        return DecisionContext(now, new_id, self.locality, self.referral_id, actor)

    def _part_of(self, kind: str) -> SourcePart:
        if kind != "retracted":
            return parts_of(kind)[0]
        # A service that is one part needs not say which.
        name = self.definition.name
        if name == "matching":
            raise ValueError("a retraction of one of several parts must name the part")
        return name
