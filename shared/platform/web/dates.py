"""Dates and times as people in England read them."""

from datetime import date, datetime

from shared.platform.clock import LONDON


def day(value: date | datetime) -> str:
    """Tuesday 24 November 2026. An aware datetime is told by the London calendar."""
    if isinstance(value, datetime):
        value = value.astimezone(LONDON)
    return f"{value:%A} {value.day} {value:%B} {value.year}"


def short_day(value: date | datetime) -> str:
    """24 November 2026."""
    return day(value).split(" ", 1)[1]


def example_day(value: date) -> str:
    """24 11 2026: a day as it is typed into three boxes, for the example beside them."""
    return f"{value.day} {value.month} {value.year}"


def clock_time(value: datetime) -> str:
    """2:30pm, 9am, midday, midnight: London time."""
    here = value.astimezone(LONDON)
    if here.minute == 0 and here.hour in (0, 12):
        return "midday" if here.hour else "midnight"
    minutes = f":{here.minute:02d}" if here.minute else ""
    return f"{here.hour % 12 or 12}{minutes}{'am' if here.hour < 12 else 'pm'}"


def day_and_time(value: datetime) -> str:
    """Tuesday 24 November 2026 at 2:30pm."""
    return f"{day(value)} at {clock_time(value)}"


def age_band(value: str) -> str:
    """65 to 74, 85 and over, from 65-74 and 85+."""
    text = value.replace("_", "-").replace("–", "-")
    if text.endswith("+"):
        return f"{text[:-1]} and over"
    return text.replace("-", " to ")
