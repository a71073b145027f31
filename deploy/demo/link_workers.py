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
    monday, places = loaded_on - timedelta(days=loaded_on.weekday()), _places()
    return [
        {
            **{key: value for key, value in entry.items() if key not in {"hours", "leave"}},
            "hours": [
                hours for several in entry["hours"] for hours in _each_day(several, places[entry["locality"]])
            ],
            "leave": [_leave(leave, monday) for leave in entry["leave"]],
        }
        for entry in read_link_workers()
    ]


@cache
def read_link_workers() -> list[dict[str, Any]]:
    """The entries of the file, unchanged."""
    entries: list[dict[str, Any]] = tomllib.loads(LINK_WORKERS_FILE.read_text("utf-8"))["link_worker"]
    return entries


def _each_day(hours: dict[str, Any], rooms: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "weekday": WEEKDAYS.index(day),
            "opens": hours["opens"].isoformat(),
            "closes": hours["closes"].isoformat(),
            "practices": hours["practices"],
            "place": hours["place"],
            "room": rooms[hours["place"]],
        }
        for day in hours["days"]
    ]


def rooms() -> list[dict[str, Any]]:
    """Bodies of `PUT /rooms/{id}`: the places of everybody's hours."""
    found = []
    for locality, places in _places().items():
        for place, identity in places.items():
            site, _, name = place.rpartition(", ")
            found.append({"id": identity, "locality": locality, "site": site, "name": name})
    return found


def _places() -> dict[str, dict[str, str]]:
    """The id of the room at each place, by locality."""
    found: dict[str, dict[str, str]] = {}
    for entry in read_link_workers():
        known = found.setdefault(entry["locality"], {})
        for hours in entry["hours"]:
            known.setdefault(hours["place"], f"room-{entry['locality']}-{len(known) + 1}")
    return found


def _leave(leave: dict[str, int], monday: date) -> dict[str, str]:
    first = monday + timedelta(weeks=leave["weeks_ahead"])
    return {"first": first.isoformat(), "last": (first + timedelta(days=leave["days"] - 1)).isoformat()}
