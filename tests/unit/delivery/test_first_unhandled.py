"""The offset from which a start reads the log: behind the handled one, or the beginning of another log."""

import pytest

from shared.delivery.offsets.verdict import HandledOffset, first_unhandled


@pytest.mark.parametrize(
    ("handled", "log", "first"),
    [
        (None, "a", 0),
        (HandledOffset("a", 7, 0), "a", 7),
        (HandledOffset("a", 9, 0), "a", 9),
        (HandledOffset("a", 10, 0), "a", 0),
        (HandledOffset("b", 7, 0), "a", 0),
        (HandledOffset("", 7, 0), "a", 7),
        (HandledOffset("a", 7, 0), "", 7),
    ],
)
def test_reading_begins_behind_what_was_handled(handled: HandledOffset | None, log: str, first: int) -> None:
    assert first_unhandled(handled, log, end=9) == first
