"""The end of an inbox: the last record of a source that stops, because its part is handed over.

The owner writes it when it has stopped deciding and its outbox is empty. If the owner is silent, the operator
writes it once the owner's rights are gone. Admission copies nothing of this source behind it, until the part
is the source's again in a later epoch.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events import topics
from shared.contract.events.fields import JsonType, LocalitySlug

INBOX_END_TYPE: Final = f"{topics.TYPE_PREFIX}inbox-end.v{topics.VERSION}"
INBOX_END_SCHEMA: Final = f"{topics.SCHEMAS}{INBOX_END_TYPE}.json"


class InboxEnd(BaseModel):
    """The owner of a part has said its last fact of this epoch, before this record of its inbox."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    locality: Annotated[LocalitySlug, Field(description="The locality of the source.")]
    part: Annotated[topics.SourcePart, Field(description="The part that is handed over.")]
    epoch: Annotated[
        int,
        Field(ge=1, le=1_000_000, description="The epoch in which the source owns the part, and which ends."),
        JsonType(),
    ]


@dataclass(frozen=True, slots=True)
class EndOfInbox:
    """The end of an inbox as a record.

    Attributes:
        source: the source that stops, or the operator's, who writes for a silent one.
        time: when it was written; aware, UTC.
        raw: the JSON body as it stands in the inbox.
    """

    id: str
    source: str
    time: datetime
    body: InboxEnd
    raw: bytes

    @classmethod
    def of(cls, body: InboxEnd, source: str, identity: str, time: datetime) -> "EndOfInbox":
        """The end that this source writes."""
        return cls(identity, source, time, body, body.model_dump_json().encode())

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.body.part.encode()

    def attributes(self) -> dict[str, str]:
        """The Kafka headers as text."""
        return {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": INBOX_END_TYPE,
            "ce_time": self.time.isoformat(timespec="milliseconds"),
            "ce_dataschema": INBOX_END_SCHEMA,
            "content-type": "application/json",
        }
