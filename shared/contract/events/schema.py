"""Writes the JSON Schemas and the AsyncAPI document; with --check, says whether they are current."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.contract.events import asyncapi, topics
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import OutcomeRecorded

FOLDER = Path(__file__).parent / "schemas"
ASYNCAPI = "asyncapi.json"
_BODIES: dict[topics.EventName, TypeAdapter[Any]] = {
    "referral-created": TypeAdapter(ReferralCreated),
    "meeting-booked": TypeAdapter(MeetingBooked),
    "outcome-recorded": TypeAdapter(OutcomeRecorded),
}


def bodies() -> dict[topics.EventName, dict[str, Any]]:
    """The JSON Schema of each event's body."""
    return {event: adapter.json_schema(mode="validation") for event, adapter in _BODIES.items()}


def asyncapi_document(localities: Sequence[str] = ()) -> dict[str, Any]:
    """The AsyncAPI document, for these localities where they are known."""
    return asyncapi.document(bodies(), localities)


def files() -> dict[str, str]:
    """File name -> text, as generated from the models."""
    made = {}
    for event, schema in bodies().items():
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": topics.data_schema(event)}
        made[f"{topics.event_type(event)}.json"] = json.dumps(head | schema, indent=2) + "\n"
    made[ASYNCAPI] = json.dumps(asyncapi_document(), indent=1) + "\n"
    return made


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit code."""
    made = files()
    if "--check" in arguments:
        stale = [name for name, text in made.items() if (FOLDER / name).read_text() != text]
        if stale:
            sys.stderr.write(f"Not current: {', '.join(stale)}. Run `make schemas`.\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
