"""An event of a request as the record that a partner's own client would have put into its inbox. Pure."""

import json
from dataclasses import dataclass
from typing import Final

from services.referral.partners.schemas import EventSent

# `datacontenttype` and `data` have another place in a record.
_ATTRIBUTES: Final = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "recordedtime",
    "dataschema",
    "partitionkey",
    "correlationid",
    "traceparent",
    "actor",
    "partepoch",
)


@dataclass(frozen=True, slots=True)
class InboxRecord:
    """Key, value and headers of a record, in CloudEvents binary mode."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    def pairs(self) -> list[tuple[str, bytes | None]]:
        """The headers as a consumer reads them."""
        return [(name, value.encode()) for name, value in self.headers.items()]


def inbox_record(event: EventSent) -> InboxRecord:
    """The record of an event. The same event always gives the same bytes."""
    given = {name: getattr(event, name) for name in _ATTRIBUTES}
    headers = {f"ce_{name}": str(value) for name, value in given.items() if value is not None}
    value = None
    if event.data is not None:
        value = json.dumps(event.data, ensure_ascii=False, separators=(",", ":")).encode()
    key = None if event.subject is None else event.subject.encode()
    return InboxRecord(key, value, headers | {"content-type": "application/json"})
