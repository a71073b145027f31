"""Tables and times in Markdown. Pure."""

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    head, *lines = [f"| {' | '.join(line)} |" for line in (heads, *rows)]
    return "\n".join([head, "|---" * len(heads) + "|", *lines])


def milliseconds(value: float | None) -> str:
    """A time, or a dash where too few were measured or too many unanswered to give one."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def seconds_of(value: float) -> str:
    """A time in seconds, with a decimal where it is short."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
