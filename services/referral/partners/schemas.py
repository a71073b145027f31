"""Bodies of the partners' API: an event in the CloudEvents JSON format, and what became of it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import SourcePart
from shared.platform.web.bodies import JsonBody

Attribute = Annotated[str, Field(max_length=200)] | None


class EventSent(JsonBody):
    """An event in the CloudEvents JSON format. `data` is its body, by the schema of its type.

    Attributes that the contract does not name are ignored, as on Kafka.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "specversion": "1.0",
                    "id": "01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11",
                    "source": "/meir/vast-hub",
                    "type": "org.linkwork.outcome-recorded.v1",
                    "subject": "01938f1c-0d3b-7b1f-8a10-6a5b1d2c3e4f",
                    "time": "2026-11-24T10:00:00Z",
                    "datacontenttype": "application/json",
                    "data": {
                        "referral_id": "01938f1c-0d3b-7b1f-8a10-6a5b1d2c3e4f",
                        "locality": "meir",
                        "kind": "contact_attempted",
                        "channel": "phone",
                        "reached": True,
                    },
                }
            ]
        },
    )

    specversion: Attribute = None
    id: Attribute = Field(None, description="A UUID. The same source and id is the same event.")
    source: Attribute = Field(None, description="The caller's own source: `/<locality>/<partner>`.")
    type: Attribute = None
    subject: Attribute = Field(None, description="The referral.")
    time: Attribute = Field(None, description="When it happened, RFC 3339.")
    recordedtime: Attribute = Field(None, description="When it was said; left out if that is `time`.")
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Attribute = None
    partitionkey: Attribute = None
    correlationid: Attribute = None
    traceparent: Attribute = None
    actor: Attribute = None
    partepoch: int | None = Field(
        None, ge=1, le=1_000_000, description="The epoch in which the source owns its part and decided this."
    )
    data: dict[str, Any] | None = None


class EventReceived(BaseModel):
    """An event that passed all checks and lies in the inbox. Its verdict is at `location`."""

    referral: str
    id: str
    inbox: str


class SourceListed(BaseModel):
    """A source of events. Of facts that contradict each other, that of the higher priority stands."""

    source: str
    part: str = Field(description="The part in whose name it speaks, or `partner`.")
    priority: int


class Sources(BaseModel):
    """The sources of the caller's localities, by this version of the programme's table. Others have 0."""

    table: str
    sources: list[SourceListed]


class HandOver(BaseModel):
    """A hand-over under way. The owner stops for it; `to` waits until the epoch has risen."""

    to: str = Field(description="The owner that the part is handed over to.")
    since: datetime = Field(description="The time at which the hand-over began.")


class PartOwned(BaseModel):
    """One part of a locality: who owns it, and since which epoch."""

    part: SourcePart
    owner: str = Field(description="`linkwork`, or the name of the source that brings the part.")
    epoch: int = Field(description="0, and one more with each hand-over.")
    address: str | None = Field(
        None,
        description="Where the owner answers operations; null for the programme's address.",
    )
    handing_over: HandOver | None = None


class Parts(BaseModel):
    """The parts of a locality, by this version of the programme's table."""

    table: str
    locality: str
    parts: list[PartOwned]


class PartStopped(JsonBody):
    """The owner's word that it decides nothing more, and that all it has said lies in its inbox."""

    locality: str = Field(max_length=60, description="The locality in which the part is handed over.")
    epoch: int = Field(ge=1, le=1_000_000, description="The epoch in which the caller owns the part.")


class InboxEnded(BaseModel):
    """The end of an inbox, which was written. Admission passes it within seconds."""

    inbox: str
    part: SourcePart
    epoch: int


class EventVerdict(BaseModel):
    """The result of an event. `not_seen`: it was not judged yet, or never arrived.

    `code`, `detail`, `pointer` and `problem` belong to `refused`, and to `accepted` while the event does not
    count; `at` to `refused`. `pointer` is a JSON pointer into the event in the CloudEvents JSON format.
    """

    verdict: Literal["not_seen", "accepted", "refused"]
    code: RefusalCode | Literal["does_not_count_yet"] | None = None
    detail: str | None = None
    pointer: str | None = None
    problem: str | None = None
    at: datetime | None = None
