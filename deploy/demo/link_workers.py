"""The demonstration's link workers, in the form of matching's API."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

LINK_WORKERS_FILE = Path(__file__).with_name("link_workers.toml")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def link_workers(loaded_on: date) -> list[dict[str, Any]]:
    """Bodies of `PUT /link-workers/{id}`. Leave is counted from the week of `loaded_on`."""
    monday = loaded_on - timedelta(days=loaded_on.weekday())
    return [
        {
            **{key: value for key, value in entry.items() if key not in {"hours", "leave"}},
            "hours": [hours for several in entry["hours"] for hours in _each_day(several)],
            "leave": [_leave(leave, monday) for leave in entry["leave"]],
        }
        for entry in read_link_workers()
    ]


@cache
def read_link_workers() -> list[dict[str, Any]]:
    """The entries of the file, unchanged."""
    entries: list[dict[str, Any]] = tomllib.loads(LINK_WORKERS_FILE.read_text("utf-8"))["link_worker"]
    return entries


def _each_day(hours: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "weekday": WEEKDAYS.index(day),
            "opens": hours["opens"].isoformat(),
            "closes": hours["closes"].isoformat(),
            "practices": hours["practices"],
            "place": hours["place"],
        }
        for day in hours["days"]
    ]


def _leave(leave: dict[str, int], monday: date) -> dict[str, str]:
    first = monday + timedelta(weeks=leave["weeks_ahead"])
    return {"first": first.isoformat(), "last": (first + timedelta(days=leave["days"] - 1)).isoformat()}
