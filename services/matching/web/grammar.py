"""Grammar of short English phrases for the pages."""

from collections.abc import Iterable


def listed(words: Iterable[str], last: str = "and") -> str:
    """Joins words as in 'one, two and three'."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def lower_first(text: str) -> str:
    """The text with a small first letter, for the middle of a sentence. Abbreviations keep their capitals."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun, such as 1 meeting or 2 meetings."""
    return f"{count} {one if count == 1 else many or one + 's'}"
