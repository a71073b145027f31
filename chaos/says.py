"""Events as a partner's own system publishes them: the contract's headers, a JSON body, a key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

EventName = Literal["referral-created", "meeting-booked", "outcome-recorded"]
Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Saying:
    """An event that may be published repeatedly. `partition` None: chosen by its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    partition: int | None = None

    @property
    def inbox(self) -> str:
        """The topic that the event's source writes: `in.<locality>.<partner>`."""
        source = (dict(self.headers)["ce_source"] or b"").decode()
        return "in" + source.replace("/", ".")


def saying(
    locality: str,
    event: EventName,
    identity: str,
    moment: datetime,
    body: Mapping[str, Any],
    source: str = "history",
) -> Saying:
    """The event with this id, published by a source of the locality at this moment."""
    referral = str(body["referral_id"])
    at = stamp(moment)
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_source": f"/{locality}/{source}",
        "ce_type": f"org.linkwork.{event}.v1",
        "ce_subject": referral,
        "ce_time": at,
        "ce_recordedtime": at,
        "content-type": "application/json",
    }
    return Saying(
        topic=f"{locality}.{event}.v1",
        key=referral.encode(),
        value=json.dumps({"locality": locality, **body}).encode(),
        headers=[(name, value.encode()) for name, value in attributes.items()],
    )


def stamp(moment: datetime) -> str:
    """A moment in RFC 3339, UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
