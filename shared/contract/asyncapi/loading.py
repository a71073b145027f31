"""Reads what the documents hold from the folders of schemas and examples."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.contract.asyncapi.contents import Contents, Schema, bodies_of
from shared.contract.events import topics
from shared.contract.events.inbox_end import INBOX_END_TYPE
from shared.contract.events.marker import MARKER_TYPE

CONTRACT: Final = Path(__file__).parents[1]
SCHEMAS: Final = CONTRACT / "events" / "schemas"
EXAMPLES: Final = CONTRACT / "examples"
REFUSAL_TYPE: Final = "org.linkwork.record-refused.v1"
NOTICE_TYPE: Final = "org.linkwork.fact-noticed.v1"


@cache
def contents() -> Contents:
    """The published schemas, and an example of each kind."""
    published: dict[str, Schema] = {event: schema_of(topics.event_type(event)) for event in topics.EVENTS}
    bodies = bodies_of(published)
    bodies["PartHandedOver"] = schema_of(MARKER_TYPE)
    bodies["InboxEnd"] = schema_of(INBOX_END_TYPE)
    bodies["RecordRefused"] = schema_of(REFUSAL_TYPE)
    bodies["FactNoticed"] = schema_of(NOTICE_TYPE)
    examples = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in EXAMPLES.glob("*/*.json")}
    return Contents(bodies, examples)


def schema_of(name: str) -> dict[str, Any]:
    """The published schema of a type."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema
