"""Facts: what was said about a referral, by whom and when. Every fold is a function of a set of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared.contract.events.envelope import Body, UnknownOutcome
from shared.contract.events.topics import EventName


class FactKey(NamedTuple):
    """Identity of a fact: its source and its id. The same key is the same fact."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One event about a referral, without its transport.

    Attributes:
        time: when it happened; aware, UTC.
        recorded: when the source said it; aware, UTC.
    """

    source: str
    id: str
    event: EventName
    time: datetime
    recorded: datetime
    body: Body

    @property
    def key(self) -> FactKey:
        """The identity of the fact."""
        return FactKey(self.source, self.id)

    @property
    def kind(self) -> str:
        """`referral_created`, `meeting_booked`, or the outcome's kind: what decisions are mapped from."""
        return kind_of(self.event, self.body)


def kind_of(event: EventName, body: Body) -> str:
    """`referral_created`, `meeting_booked`, or the outcome's kind."""
    if isinstance(body, UnknownOutcome):  # A stored fact of any event that a later contract cannot read, too.
        return body.kind
    if event == "outcome-recorded":
        return getattr(body, "kind", "unknown")
    return event.replace("-", "_")
