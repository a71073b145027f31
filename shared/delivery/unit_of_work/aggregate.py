"""One referral within one transaction: the facts that it had, those that it gains, and what they fold to."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal

from pymongo import UpdateOne

from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.fact import Fact, FactKey
from shared.contract.events.models import EventBody
from shared.contract.events.topics import source
from shared.delivery.model.decision import Decision, DecisionContext, NewEvent, ScheduledTask
from shared.delivery.model.facts import UNREADABLE, ReceivedEvent, Stored, restore, same_body
from shared.delivery.model.service_definition import Changed, Document, R, ServiceDefinition, V
from shared.delivery.mongo.database import Row
from shared.platform.ids import NewId

_log = logging.getLogger(__name__)

# A decision may call for another (a cancelled meeting for a new one). More rounds than this is a loop.
_MOST_ROUNDS = 8

AppendResult = Literal["appended", "duplicate", "conflict", "full"]

MAX_BYTES: Final = 4_000_000
"""Bodies heard about one referral: a journey of forty facts has 20 kB, and MongoDB refuses over 16 MB."""


def aggregate_id(locality: str, referral_id: str) -> str:
    """The key of a referral's document: nobody in one locality can touch a referral of another."""
    return f"{locality}/{referral_id}"


@dataclass(slots=True)
class ReferralAggregate(Generic[V, R]):
    """A referral's facts as they stand in this transaction."""

    definition: ServiceDefinition[V, R]
    locality: str
    referral_id: str
    version: int = 0
    before: Document | None = None
    known: dict[FactKey, bytes] = field(default_factory=dict)
    """The bodies in the set."""
    stored_facts: list[Stored] = field(default_factory=list)
    size: int = 0
    """Bytes of the bodies in the set."""
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
            outdated=stored["fold"] != definition.fold_version,
        )

    @property
    def id(self) -> str:
        return aggregate_id(self.locality, self.referral_id)

    @property
    def changed(self) -> bool:
        """Whether its document is written: also where due rows, or diaries, rest on what was read of it.

        A decision that says nothing may have given a time free all the same, or taken one.
        """
        rests = self.tasks or self.cancelled_tasks or self.decided
        return bool(self.added) or self.outdated or bool(self.version and rests)

    @property
    def facts(self) -> list[Fact]:
        """All facts; those stored are read only when somebody asks: a repeat needs none of them."""
        if self._facts is None:
            stored = [restore(row, self.locality, self.referral_id) for row in self.stored_facts]
            lost = sum(fact.kind == UNREADABLE for fact in stored)
            if lost:
                _log.error("%d stored facts cannot be read any more", lost, extra={"case": self.id})
            self._facts = stored + [heard.fact for heard in self.added]
        return self._facts

    @property
    def view(self) -> V:
        if self._view is None:
            self._view = self.definition.fold(self.facts)
        return self._view

    @property
    def document(self) -> Document:
        if self._document is None:
            self._document = self.definition.to_document(self.view)
        return self._document

    def append(self, heard: ReceivedEvent) -> AppendResult:
        """Adds a fact to the set; a repeat changes nothing, another body under the same key is refused.

        So is one that the document has no room for: whoever floods a referral must not stop the others.
        """
        key = heard.fact.key
        known = self.known.get(key)
        if known is not None:
            return "duplicate" if same_body(known, heard.raw) else "conflict"
        if self.size + len(heard.raw) > MAX_BYTES:
            return "full"
        self._add(key, heard)
        return "appended"

    def _add(self, key: FactKey, heard: ReceivedEvent) -> None:
        self.size += len(heard.raw)
        self.known[key] = heard.raw
        self.added.append(heard)
        if self._facts is not None:
            self._facts.append(heard.fact)
        self._view = self._document = None
        self.correlation = heard.correlation or self.correlation
        self.traceparent = heard.traceparent or self.traceparent

    def decide(self, kinds: Sequence[str], resources: R, context: DecisionContext) -> None:
        """Makes the decisions that these kinds of new facts call for, and those which follow from them."""
        pending = list(kinds)
        for _ in range(_MOST_ROUNDS):
            calls = list(
                dict.fromkeys(self.definition.decisions[k] for k in pending if k in self.definition.decisions)
            )
            if not calls:
                return
            pending = []
            for call in calls:
                pending += self.apply(call(self.view, resources, context), context)
        raise RuntimeError(f"{self.definition.name}: decisions call for one another without end")

    def apply(self, decision: Decision, context: DecisionContext) -> list[str]:
        """Takes a decision's facts, due rows and forgotten rows in; gives the kinds of the facts."""
        self.decided = True
        self.tasks = [task for task in self.tasks if (task.what, task.about) not in decision.cancelled_tasks]
        self.cancelled_tasks += decision.cancelled_tasks
        self.tasks += decision.tasks
        return [self._emit(said, context) for said in decision.facts]

    def _emit(self, said: NewEvent | EventBody, context: DecisionContext) -> str:
        said = said if isinstance(said, NewEvent) else NewEvent(said)
        body = said.body
        if (body.locality, body.referral_id) != (self.locality, self.referral_id):
            raise ValueError(f"{self.definition.name}: a decision about one referral spoke of another")
        envelope = Envelope(
            id=said.id or context.new_id(),
            source=source(self.locality, self.definition.name),
            event=event_of(body),
            time=said.time or context.now,
            recorded=context.now,
            body=body,
            raw=body.model_dump_json(exclude_none=True).encode(),
            correlation=self.correlation or self.referral_id,
            traceparent=self.traceparent,
        )
        heard = ReceivedEvent.of(envelope)
        key = heard.fact.key
        if key not in self.known:
            self._add(key, heard)
            self.emitted.append(envelope)
        return heard.fact.kind

    def to_write(self) -> Document | UpdateOne:
        """The one write of this referral: a new document, or an update of the version that was read."""
        rows = [heard.stored() for heard in self.added]
        if self.version == 0:
            return {
                "_id": self.id,
                "locality": self.locality,
                "referral": self.referral_id,
                "v": 1,
                "fold": self.definition.fold_version,
                "facts": rows,
                "view": self.document,
            }
        change: dict[str, Any] = {
            "$set": {"view": self.document, "fold": self.definition.fold_version},
            "$inc": {"v": 1},
        }
        if rows:
            change["$push"] = {"facts": {"$each": rows}}
        return UpdateOne({"_id": self.id, "v": self.version}, change)

    def as_changed(self) -> Changed[V]:
        return Changed(
            self.locality,
            self.referral_id,
            self.before,
            self.view,
            self.document,
            tuple(heard.fact for heard in self.added),
        )


def decision_context(case: ReferralAggregate[Any, Any], now: datetime, new_id: NewId) -> DecisionContext:
    return DecisionContext(now, new_id, case.locality, case.referral_id)
