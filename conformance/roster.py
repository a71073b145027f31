"""The link workers that the kit answers for, as casework's owner does. Each has a purpose in some clause."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Languages that one link worker alone speaks, so that a clause can have a diary of its own.
AWAY: Final = "pl"
VISITS: Final = "cy"
CROWDED: Final = "ta"
_GENERAL: Final = (901, 902, 906, 907)
_SPECIAL: Final = {903: AWAY, 904: VISITS, 905: CROWDED}


@dataclass
class Roster:
    """The link workers of one locality."""

    locality: str
    practice: str
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in _GENERAL:
            self._enter(number, "en")
        for number, language in _SPECIAL.items():
            self._enter(number, language)

    def id_of(self, language: str) -> str:
        """The link worker who alone speaks a language."""
        return next(name for name, entry in self.entries.items() if language in entry["languages"])

    def others_of(self, link_worker: str) -> list[str]:
        """The link workers with general diaries, but for one."""
        return [f"lw-{self.locality}-{n}" for n in _GENERAL if f"lw-{self.locality}-{n}" != link_worker]

    def change(self, link_worker: str, **values: Any) -> None:
        """Changes an entry."""
        self.entries[link_worker] = self.entries[link_worker] | values

    def listed(self) -> list[Mapping[str, Any]]:
        """All entries, by id."""
        return [self.entries[name] for name in sorted(self.entries)]

    def tag(self) -> str:
        """The entity tag of the list."""
        return f'"{hashlib.sha256(json.dumps(self.listed()).encode()).hexdigest()[:16]}"'

    def answer(self, link_worker: str) -> dict[str, Any] | None:
        """The answer about one link worker; None if there is none of this id."""
        entry = self.entries.get(link_worker)
        if entry is None:
            return None
        same = {name: entry[name] for name in ("id", "locality", "name", "email", "telephone", "languages")}
        return {**same, "place": "Room 1", "practices": [self.practice], "entry": entry}

    def _enter(self, number: int, language: str) -> None:
        name = f"lw-{self.locality}-{number}"
        opens, closes = "08:00:00", "18:00:00"
        self.entries[name] = {
            "id": name,
            "locality": self.locality,
            "name": f"Example Worker {number}",
            "email": f"worker-{number}@conformance.example",
            "telephone": "+441632960401",
            "hours": [
                {
                    "weekday": day,
                    "opens": opens,
                    "closes": closes,
                    "practices": [self.practice],
                    "place": "Room 1",
                }
                for day in range(5)
            ],
            "leave": [],
            "languages": [language],
            "meeting_minutes": 30,
            "caseload_limit": 1000,
            "home_visits": False,
            "active": True,
        }
