"""Consequences of an attempt: retries, pauses, giving up, disabling."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.webhooks.policy import (
    Answer,
    Outcome,
    Schedule,
    backoff,
    disables,
    gives_up,
    pause,
)

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
SCHEDULE = Schedule()
chances = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)
spans = st.timedeltas(timedelta(0), timedelta(days=30))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (199, Outcome.FAILED),
        (301, Outcome.FAILED),
        (308, Outcome.FAILED),
        (400, Outcome.FAILED),
        (410, Outcome.GONE),
        (429, Outcome.SLOW_DOWN),
        (500, Outcome.FAILED),
        (503, Outcome.SLOW_DOWN),
        (None, Outcome.FAILED),
    ],
)
def test_outcome_follows_from_status(status: int | None, outcome: Outcome) -> None:
    assert Answer(status, error="timeout").outcome is outcome


def test_backoff_doubles_up_to_the_longest_wait() -> None:
    waits = [backoff(n, 0.9999999, SCHEDULE).total_seconds() for n in range(1, 13)]
    assert [round(wait) for wait in waits] == [20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 7200, 7200, 7200]


@given(attempts, chances)
def test_backoff_is_between_half_and_whole(count: int, chance: float) -> None:
    least, most = backoff(count, 0.0, SCHEDULE), backoff(count, 1.0, SCHEDULE)
    assert least <= backoff(count, chance, SCHEDULE) <= most == least * 2 <= SCHEDULE.longest_retry
    assert least >= SCHEDULE.first_retry / 2


@given(attempts, chances, chances)
def test_backoff_grows_with_chance_and_attempts(count: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert backoff(count, low, SCHEDULE) <= backoff(count, high, SCHEDULE)
    assert backoff(count, low, SCHEDULE) <= backoff(count + 1, low, SCHEDULE)


def test_day_of_failures_has_at_least_fifteen_attempts() -> None:
    waited, count = timedelta(), 0
    while waited < SCHEDULE.give_up_after:
        count += 1
        waited += backoff(count, 0.9999999, SCHEDULE)
    assert 15 <= count <= 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 007 ", 7),
        ("0", 1),
        ("3600", 3600),
        ("999999999999999999999999", 3600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_retry_after_is_honoured_within_bounds(header: str, seconds: int) -> None:
    for status in (429, 503):
        assert pause(Answer(status, retry_after=header), NOW, SCHEDULE) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "٣", "Fri, 99 Dec 2026"])
def test_retry_after_that_cannot_be_read_asks_for_nothing(header: str | None) -> None:
    assert pause(Answer(503, retry_after=header), NOW, SCHEDULE) is None


@pytest.mark.parametrize("status", [200, 301, 400, 410, 500])
def test_retry_after_of_other_answers_asks_for_nothing(status: int) -> None:
    assert pause(Answer(status, retry_after="30"), NOW, SCHEDULE) is None


@given(st.text(max_size=60))
def test_retry_after_of_any_text_stays_within_bounds(header: str) -> None:
    found = pause(Answer(429, retry_after=header), NOW, SCHEDULE)
    assert found is None or SCHEDULE.shortest_pause <= found <= SCHEDULE.longest_pause


@given(spans, spans)
def test_delivery_is_given_up_a_day_after_it_was_due(waited: timedelta, enabled: timedelta) -> None:
    expected = min(waited, enabled) >= SCHEDULE.give_up_after
    assert gives_up(NOW - waited, NOW - enabled, NOW, SCHEDULE) is expected


@given(spans, st.integers(0, 50))
def test_endpoint_is_disabled_after_long_and_repeated_failure(failing: timedelta, failures: int) -> None:
    expected = failing >= timedelta(hours=12) and failures >= 5
    assert disables(NOW - failing, failures, NOW, SCHEDULE) is expected


def test_silent_endpoint_is_disabled_before_giving_up() -> None:
    """So nothing is lost of an endpoint that is away: its events wait until it is enabled."""
    assert SCHEDULE.disable_after + SCHEDULE.longest_retry < SCHEDULE.give_up_after
    shorter = replace(SCHEDULE, give_up_after=timedelta(hours=1))
    assert gives_up(NOW - timedelta(hours=2), NOW - timedelta(hours=2), NOW, shorter)
