"""Writes schemas and who may say what; with --check, says whether they are current."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from shared.contract import authority
from shared.contract.events import headers, json_schema, notices, refusals, topics
from shared.contract.events.inbox_end import INBOX_END_TYPE, InboxEnd
from shared.contract.events.marker import MARKER_TYPE, PartHandedOver
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.notices import FactNoticed
from shared.contract.events.outcomes import OUTCOME
from shared.contract.events.refusals import RecordRefused

FOLDER: Final = Path(__file__).parent / "schemas"
AUTHORITY: Final = "authority.json"
# The folder of the schemas of reading, and that part of their addresses.
READING: Final = "reading/"
_EVENTS: Final[Mapping[topics.EventName, TypeAdapter[Any]]] = {
    "referral-created": TypeAdapter(ReferralCreated),
    "meeting-booked": TypeAdapter(MeetingBooked),
    "outcome-recorded": OUTCOME,
}
# Name of a file -> the body that it describes.
BODIES: Final[Mapping[str, TypeAdapter[Any]]] = {
    **{f"{topics.event_type(event)}.json": adapter for event, adapter in _EVENTS.items()},
    f"{MARKER_TYPE}.json": TypeAdapter(PartHandedOver),
    f"{INBOX_END_TYPE}.json": TypeAdapter(InboxEnd),
    refusals.SCHEMA.rsplit("/", 1)[-1]: TypeAdapter(RecordRefused),
    f"{notices.NAME}.json": TypeAdapter(FactNoticed),
}


def bodies() -> dict[topics.EventName, dict[str, Any]]:
    """The JSON Schema of each event's body, as it may be published."""
    return {event: json_schema.published(adapter) for event, adapter in _EVENTS.items()}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON Schema: what may be published, and under `reading/` what a reader reads."""
    made = {}
    for name, adapter in BODIES.items():
        made[name] = _head(name) | json_schema.published(adapter)
        made[f"{READING}{name}"] = _head(f"{READING}{name}") | json_schema.reading(adapter)
    return made | {headers.NAME: headers.published(), f"{READING}{headers.NAME}": headers.reading()}


def _head(name: str) -> dict[str, Any]:
    return {"$schema": json_schema.DIALECT, "$id": f"{topics.SCHEMAS}{name}"}


def files() -> dict[str, str]:
    """File name -> text, as generated from the models."""
    made = {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}
    made[AUTHORITY] = _lines(authority.to_json(authority.TABLE))
    return made


def committed() -> dict[str, str]:
    """File name -> text, as they stand in the folder."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*.json")
    }


def _lines(table: dict[str, Any]) -> str:
    """The table of who may say what, a rule a line."""
    rules = ",\n".join(f"  {json.dumps(rule)}" for rule in table["rules"])
    return f'{{\n "format": {table["format"]},\n "rules": [\n{rules}\n ]\n}}\n'


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit code."""
    made = files()
    if "--check" in arguments:
        there = committed()
        stale = [name for name, text in made.items() if there.get(name) != text]
        if stale:
            sys.stderr.write(f"Not current: {', '.join(stale)}. Run `make schemas`.\n")
        return 1 if stale else 0
    (FOLDER / READING).mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
