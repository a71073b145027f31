"""Writes schemas and who may say what; with --check, says whether they are current."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.contract import authority
from shared.contract.events import notices, refusals, topics
from shared.contract.events.marker import MARKER_SCHEMA, MARKER_TYPE, PartHandedOver
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.notices import FactNoticed
from shared.contract.events.outcomes import OutcomeRecorded
from shared.contract.events.refusals import RecordRefused

FOLDER = Path(__file__).parent / "schemas"
AUTHORITY = "authority.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BODIES: dict[topics.EventName, TypeAdapter[Any]] = {
    "referral-created": TypeAdapter(ReferralCreated),
    "meeting-booked": TypeAdapter(MeetingBooked),
    "outcome-recorded": TypeAdapter(OutcomeRecorded),
}


def bodies() -> dict[topics.EventName, dict[str, Any]]:
    """The JSON Schema of each event's body."""
    return {event: adapter.json_schema(mode="validation") for event, adapter in _BODIES.items()}


def files() -> dict[str, str]:
    """File name -> text, as generated from the models."""
    made = {}
    for event, schema in bodies().items():
        head = {"$schema": _DIALECT, "$id": topics.data_schema(event)}
        made[f"{topics.event_type(event)}.json"] = json.dumps(head | schema, indent=2) + "\n"
    head = {"$schema": _DIALECT, "$id": MARKER_SCHEMA}
    made[f"{MARKER_TYPE}.json"] = json.dumps(head | PartHandedOver.model_json_schema(), indent=2) + "\n"
    made[AUTHORITY] = _lines(authority.to_json(authority.TABLE))
    head = {"$schema": _DIALECT, "$id": refusals.SCHEMA}
    made[refusals.SCHEMA.rsplit("/", 1)[-1]] = (
        json.dumps(head | RecordRefused.model_json_schema(), indent=2) + "\n"
    )
    head = {"$schema": _DIALECT, "$id": notices.SCHEMA}
    made[f"{notices.NAME}.json"] = json.dumps(head | FactNoticed.model_json_schema(), indent=2) + "\n"
    return made


def _lines(table: dict[str, Any]) -> str:
    """The table of who may say what, a rule a line."""
    rules = ",\n".join(f"  {json.dumps(rule)}" for rule in table["rules"])
    return f'{{\n "format": {table["format"]},\n "rules": [\n{rules}\n ]\n}}\n'


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit code."""
    made = files()
    if "--check" in arguments:
        there = {path.name: path.read_text() for path in FOLDER.iterdir()}
        stale = [name for name, text in made.items() if there.get(name) != text]
        if stale:
            sys.stderr.write(f"Not current: {', '.join(stale)}. Run `make schemas`.\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
