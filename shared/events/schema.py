"""Writes the JSON Schemas of the events, or with --check says whether those committed are current."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.events import topics
from shared.events.models import MeetingBooked, ReferralCreated
from shared.events.outcomes import OutcomeRecorded

FOLDER = Path(__file__).parent / "schemas"
_BODIES: dict[topics.EventName, TypeAdapter[Any]] = {
    "referral-created": TypeAdapter(ReferralCreated),
    "meeting-booked": TypeAdapter(MeetingBooked),
    "outcome-recorded": TypeAdapter(OutcomeRecorded),
}


def schemas() -> dict[str, str]:
    """File name -> JSON Schema text, as generated from the models."""
    made = {}
    for event, adapter in _BODIES.items():
        schema = adapter.json_schema(mode="validation")
        head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": topics.data_schema(event)}
        made[f"{topics.event_type(event)}.json"] = json.dumps(head | schema, indent=2) + "\n"
    return made


def main(arguments: list[str]) -> int:
    made = schemas()
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
