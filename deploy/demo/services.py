"""The demonstration's community services: Open Referral UK documents whose dates move with the calendar."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

DIRECTORY = Path(__file__).with_name("directory")
# The documents were written for this day. Their dates move by whole weeks from here.
WRITTEN_ON = date(2026, 11, 2)
DATES = frozenset({"assured_date", "last_modified", "dtstart", "valid_from", "valid_to", "until"})


def directory_documents(loaded_on: date) -> dict[str, Any]:
    """A page of services by locality, as fresh on `loaded_on` as on the day it was written for."""
    weeks = (loaded_on - WRITTEN_ON) // timedelta(weeks=1)
    return {slug: _moved(document, timedelta(weeks=weeks)) for slug, document in _documents().items()}


@cache
def _documents() -> dict[str, Any]:
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted(DIRECTORY.glob("*.json"))}


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, list):
        return [_moved(item, by) for item in value]
    if isinstance(value, dict):
        return {
            key: _later(item, by) if key in DATES and isinstance(item, str) else _moved(item, by)
            for key, item in value.items()
        }
    return value


def _later(written: str, by: timedelta) -> str:
    return (date.fromisoformat(written[:10]) + by).isoformat() + written[10:]
