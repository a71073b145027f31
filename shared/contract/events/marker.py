"""The marker of a hand-over: an operator's record in every partition of a locality's three topics.

It is written once the former owner of a part can write no more. A fact belongs to the epoch of the last
marker before its first appearance in its partition, and to epoch 0 before any marker.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events import topics
from shared.contract.events.fields import JsonType, LocalitySlug

MARKER_TYPE: Final = f"{topics.TYPE_PREFIX}part-handed-over.v{topics.VERSION}"
MARKER_SCHEMA: Final = f"{topics.SCHEMAS}{MARKER_TYPE}.json"


class PartHandedOver(BaseModel):
    """A part of a locality has this owner, from here on in this partition. `epoch` counts the hand-overs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    locality: Annotated[
        LocalitySlug, Field(description="The locality: the first word of the topic and of `ce_source`.")
    ]
    part: Annotated[topics.SourcePart, Field(description="The part that is handed over.")]
    epoch: Annotated[
        int,
        Field(ge=1, le=1_000_000, description="Counts the hand-overs of the part in the locality, from 1."),
        JsonType(),
    ]
    owner: Annotated[
        str,
        Field(
            pattern=r"^[a-z]{2,30}(-[a-z]{2,30}){0,3}$",
            description="The operator of the part from here on, as the programme names it: `linkwork`, or a "
            "partner.",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker in one of the topics.

    Attributes:
        event: the event of the topic in which it stands.
        time: when it was written; aware, UTC.
        raw: the JSON body as it stands on the bus.
    """

    id: str
    event: topics.EventName
    time: datetime
    body: PartHandedOver
    raw: bytes

    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers. The record's key is the part, and its partition is chosen, not hashed."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": control_source(self.body.locality),
            "ce_type": MARKER_TYPE,
            "ce_time": self.time.isoformat(timespec="milliseconds"),
            "ce_dataschema": MARKER_SCHEMA,
            "content-type": "application/json",
        }
        return [(name, value.encode()) for name, value in attributes.items()]


def control_source(locality: str) -> str:
    """The source in whose name the operator hands parts of a locality over."""
    return f"/{locality}/control"
