"""Strict reading of a TOML table: every complaint is one sentence that names the entry at fault."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class LocalitiesError(ValueError):
    """The localities file (or a file that it names) cannot be used. The message says where and what to do."""


class Entry:
    """One table of the file, read key by key; `done()` refuses keys that nobody asked for: a misspelt one."""

    def __init__(self, where: str, table: object) -> None:
        if not isinstance(table, Mapping):
            raise LocalitiesError(f"{where} must be a table of names and values.")
        self.where = where
        self._table: Mapping[str, Any] = table
        self._read: set[str] = set()

    def has(self, key: str) -> bool:
        """True if the entry has this key."""
        return key in self._table

    def text(self, key: str) -> str:
        """The text at a key."""
        value = self._value(key)
        if not isinstance(value, str) or not value.strip():
            raise LocalitiesError(f"{self.where}: {key} must be a text that is not empty.")
        if value != value.strip():
            raise LocalitiesError(f"{self.where}: {key} has a space at its start or end.")
        return value

    def whole(self, key: str, *, at_least: int, at_most: int) -> int:
        """The whole number at a key."""
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= at_most:
            raise LocalitiesError(f"{self.where}: {key} must be a whole number from {at_least} to {at_most}.")
        return value

    def yes(self, key: str) -> bool:
        """The yes or no at a key."""
        value = self._value(key)
        if not isinstance(value, bool):
            raise LocalitiesError(f"{self.where}: {key} must be true or false, without quotes.")
        return value

    def day(self, key: str) -> date:
        """The day at a key. A table that was published holds it as text."""
        value = self._value(key)
        if isinstance(value, str) and _DAY.fullmatch(value):
            with contextlib.suppress(ValueError):
                value = date.fromisoformat(value)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise LocalitiesError(f"{self.where}: {key} must be a date such as 2025-04-07, without quotes.")
        return value

    def moment(self, key: str) -> datetime:
        """The moment at a key. A table that was published holds it as text."""
        value = self._value(key)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.fromisoformat(value)
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise LocalitiesError(
                f"{self.where}: {key} must be a time with its zone, such as 2026-11-30T09:00:00Z."
            )
        return value

    def position(self, key: str) -> tuple[float, float]:
        """Latitude and longitude in degrees."""
        value = self._value(key)
        if not isinstance(value, list) or len(value) != 2 or not all(_is_number(each) for each in value):
            raise LocalitiesError(f"{self.where}: {key} must be a latitude and a longitude.")
        return float(value[0]), float(value[1])

    def entry(self, key: str) -> Entry:
        """The entry at a key."""
        return Entry(f"{self.where}, {key}", self._value(key))

    def table(self, key: str) -> Mapping[str, Any]:
        """The table at a key, as it is."""
        value = self._value(key)
        if not isinstance(value, Mapping):
            raise LocalitiesError(f"{self.where}, {key} must be a table of names and values.")
        return value

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """The list of tables at a key, as they are."""
        value = self._value(key)
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            raise LocalitiesError(f"{self.where}: {key} must be a list of tables.")
        return list(value)

    def entries(self, key: str) -> list[Entry]:
        """The list of entries at a key."""
        value = self._value(key)
        if not isinstance(value, list):
            raise LocalitiesError(f"{self.where}: {key} must be a list.")
        return [Entry(f"{self.where}, {key} number {n}", item) for n, item in enumerate(value, start=1)]

    def names(self) -> list[str]:
        """The keys of the entry."""
        return list(self._table)

    def is_text(self, key: str) -> bool:
        """True if the value at a key is a text."""
        return isinstance(self._table.get(key), str)

    def done(self) -> None:
        """Refuses keys that nothing has read."""
        unknown = sorted(set(self._table) - self._read)
        if unknown:
            raise LocalitiesError(f"{self.where}: {unknown[0]} is not a key we know; is it misspelt?")

    def _value(self, key: str) -> Any:
        if key not in self._table:
            raise LocalitiesError(f"{self.where}: {key} is missing.")
        self._read.add(key)
        return self._table[key]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
