"""How many heartbeats went without an answer, at each moment."""

from datetime import UTC, datetime, timedelta

import pytest

from services.referral.sandbox.beats import ANSWERED_WITHIN, unanswered

ANSWERED = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERY = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("after", "count"),
    [
        (timedelta(0), 0),
        (EVERY, 0),
        (EVERY + ANSWERED_WITHIN - timedelta(seconds=1), 0),
        (EVERY + ANSWERED_WITHIN, 1),
        (2 * EVERY + ANSWERED_WITHIN - timedelta(seconds=1), 1),
        (2 * EVERY + ANSWERED_WITHIN, 2),
        (timedelta(days=1), 95),
        # Another process's clock is behind.
        (-timedelta(hours=1), 0),
    ],
)
def test_unanswered_heartbeats_are_those_due_since(after: timedelta, count: int) -> None:
    assert unanswered(ANSWERED, ANSWERED + after, EVERY) == count
