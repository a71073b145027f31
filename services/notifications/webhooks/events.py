"""An event of the log as it is posted: in the CloudEvents JSON format, under a permanent id. Pure."""

import hashlib
import json
from typing import Any, Final

from services.notifications.webhooks.endpoint import EventFilter, EventToSend
from shared.contract.events.envelope import Envelope, Refused, read
from shared.contract.events.fact import kind_of
from shared.contract.events.marker import Marker
from shared.delivery.dlq.dead_letters import Record

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_ATTRIBUTE: Final = "ce_"


def webhook_id(source: str, event_id: str) -> str:
    """The id under which an event is posted: the same for the same source and event id, for ever."""
    digest = hashlib.blake2b(f"{source}\x1f{event_id}".encode(), digest_size=16)
    return f"msg_{digest.hexdigest()}"


def event_to_send(record: Record, wanted: EventFilter) -> EventToSend | None:
    """The event of a record; None for a marker, a record that is no event, and one that is not wanted."""
    found = read(record.topic, record.key, record.value, record.headers)
    if isinstance(found, Refused | Marker):
        return None
    kind = kind_of(found.event, found.body)
    if not wanted.passes(found.event, kind):
        return None
    body = cloudevent(found)
    return None if body is None else EventToSend(webhook_id(found.source, found.id), found.event, kind, body)


def cloudevent(event: Envelope) -> bytes | None:
    """The event in the CloudEvents JSON format, its data byte for byte as on the bus.

    None for data that is not JSON by RFC 8259, such as NaN, or not UTF-8.
    """
    try:
        data = event.raw.decode()
        json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    given = event.attributes()
    attributes = {
        name.removeprefix(_ATTRIBUTE): value for name, value in given.items() if name.startswith(_ATTRIBUTE)
    }
    head = json.dumps(attributes | {"datacontenttype": given["content-type"]}, separators=(",", ":"))
    return f'{head[:-1]},"data":{data}}}'.encode()


def _refuse(_: str) -> Any:
    raise ValueError
