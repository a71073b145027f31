"""Numbers as people read them."""

from services.evaluation.figures.face import HELD_BACK, Shown


def number(value: Shown | float | None) -> str:
    """1,485; 5.72; * where it is held back; – where there is none."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    return value if isinstance(value, str) else f"{value:,}"


def signed(value: float | str | None) -> str:
    """+0.41, −0.20, 0.00."""
    if value is None or isinstance(value, str):
        return number(None) if value is None else HELD_BACK
    return f"{value:+.2f}".replace("-", "−") if round(value, 2) else "0.00"


def per_cent(value: Shown | None) -> str:
    """38%, or * or –."""
    return f"{value}%" if isinstance(value, int) else number(value)


def of(part: Shown, whole: Shown) -> str:
    """33 of 38."""
    return f"{number(part)} of {number(whole)}"


def days(value: Shown | None) -> str:
    """11 days, 1 day, or * or –."""
    if not isinstance(value, int):
        return number(value)
    return f"{value} day" if value == 1 else f"{value} days"


def with_per_cent(value: Shown, share: Shown | None) -> str:
    """94 (28%); without the per cent where there is none to show."""
    return f"{number(value)} ({share}%)" if isinstance(share, int) and value else number(value)


def length(value: Shown | float | None) -> float | None:
    """How long a bar is; None for a number that is held back."""
    return None if isinstance(value, str) else float(value or 0)
