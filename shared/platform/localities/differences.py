"""The differences of two tables in words, for the operator who publishes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.platform.localities.document import Document

# The keys that tell the entries of a list apart, and the word for such an entry.
_KEYS: Final = ("slug", "ods", "name")
_WORDS: Final = {
    "locality": "locality",
    "practices": "practice",
    "sources": "source",
}


def differences(before: Document, after: Document) -> list[str]:
    """One sentence for each difference, in the order of the tables; none if they are equal."""
    return list(_tables("", before, after))


def _tables(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if _is_table(old, new):
            yield from _tables(_within(where, key), old or {}, new or {})
        elif (entries := _entries(old, new)) is not None:
            yield from _lists(where, key, *entries)
        else:
            yield f"{_begin(where)}{key} {_change(old, new)}."


def _is_table(old: Any, new: Any) -> bool:
    """True if both are tables, or one is and the other is not given."""
    sides = [side for side in (old, new) if side is not None]
    return any(sides) and all(isinstance(side, Mapping) for side in sides)


def _lists(where: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    word = _WORDS.get(key, key)
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield f"{_begin(where)}{word} {name} is removed."
        elif name not in before:
            yield f"{_begin(where)}{word} {name} is new."
        else:
            yield from _tables(_within(where, f"{word} {name}"), before[name], after[name])
    both = [name for name in before if name in after]
    if both != [name for name in after if name in before]:
        yield f"{_begin(where)}the order of {key} is another."


def _entries(old: Any, new: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Both lists by the name of their entries; None if they are no lists of named entries."""
    found = []
    for side in (old, new):
        rows = [] if side is None else side
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            return None
        named = {next((str(row[key]) for key in _KEYS if key in row), ""): row for row in rows}
        if len(named) != len(rows) or "" in named:
            return None
        found.append(named)
    return found[0], found[1]


def _change(old: Any, new: Any) -> str:
    if old is None:
        return f"is {_shown(new)}, and was not given"
    if new is None:
        return f"was {_shown(old)}, and is not given any more"
    return f"was {_shown(old)}, and is {_shown(new)}"


def _shown(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else str(value)


def _within(where: str, key: str) -> str:
    return f"{where}, {key}" if where else key


def _begin(where: str) -> str:
    return f"{where}: " if where else ""
