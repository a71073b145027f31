"""The next sessions of a service, across clock changes and for wrong rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.feed import Schedule, next_sessions, read_directory
from shared.platform.clock import LONDON
from tests.harness.feed.records import TODAY, lunch_club

MONDAY_NOON = datetime(2026, 6, 15, 11, 0, tzinfo=UTC)
moments = st.integers(0, 3_652).map(lambda days: datetime(2020, 1, 1, 12, tzinfo=UTC) + timedelta(days=days))


def schedules(**changed: Any) -> tuple[Schedule, ...]:
    record: dict[str, Any] = {
        "freq": "WEEKLY",
        "byday": "TU",
        "opens_at": "12:00",
        "closes_at": "14:00",
        **changed,
    }
    return read_directory(lunch_club(schedules=[record]), "tests", TODAY).services[0].schedules


def starts(most: int, after: datetime = MONDAY_NOON, **changed: Any) -> list[str]:
    coming = next_sessions(schedules(**changed), after, most)
    return [f"{session.starts_at.astimezone(LONDON):%a %d %b %H:%M}" for session in coming]


def test_weekly_rule_gives_next_session() -> None:
    assert starts(2) == ["Tue 16 Jun 12:00", "Tue 23 Jun 12:00"]
    assert starts(3, byday="TU,FR") == ["Tue 16 Jun 12:00", "Fri 19 Jun 12:00", "Tue 23 Jun 12:00"]


def test_session_that_has_begun_is_not_next() -> None:
    assert starts(1, byday="MO", opens_at="12:00") == ["Mon 22 Jun 12:00"]
    assert starts(1, byday="MO", opens_at="12:01") == ["Mon 15 Jun 12:01"]


def test_local_hour_stays_when_clocks_change() -> None:
    coming = next_sessions(schedules(), datetime(2026, 10, 19, tzinfo=UTC), 2)
    assert [session.starts_at.hour for session in coming] == [11, 12]
    assert all(session.ends_at == session.starts_at + timedelta(hours=2) for session in coming)


def test_every_second_week_keeps_its_rhythm() -> None:
    assert starts(2, interval=2, dtstart="2019-01-08") == ["Tue 16 Jun 12:00", "Tue 30 Jun 12:00"]
    assert starts(2, interval=2, dtstart="2019-01-01") == ["Tue 23 Jun 12:00", "Tue 07 Jul 12:00"]


def test_days_of_the_month_are_found() -> None:
    assert starts(2, freq="MONTHLY", byday="1WE") == ["Wed 01 Jul 12:00", "Wed 05 Aug 12:00"]
    assert starts(2, freq="MONTHLY", byday="-1FR") == ["Fri 26 Jun 12:00", "Fri 31 Jul 12:00"]
    assert starts(1, freq="MONTHLY", byday=None, bymonthday="20") == ["Sat 20 Jun 12:00"]
    assert starts(1, freq="DAILY", byday=None) == ["Tue 16 Jun 12:00"]


def test_last_day_and_count_are_kept() -> None:
    assert starts(5, until="2026-06-16") == ["Tue 16 Jun 12:00"]
    assert starts(5, valid_to="2026-06-15") == []
    assert starts(5, dtstart="2026-06-02", count=3) == ["Tue 16 Jun 12:00"]


def test_sessions_of_schedules_are_ordered_and_unique() -> None:
    both = (*schedules(byday="TU,WE"), *schedules(byday="WE"))
    assert len(next_sessions(both, MONDAY_NOON, 4)) == 4
    assert len({session.starts_at for session in next_sessions(both, MONDAY_NOON, 4)}) == 4


@pytest.mark.parametrize("changed", [{"freq": "SECONDLY"}, {"opens_at": "noon"}, {"freq": None}])
def test_unreadable_schedule_keeps_text_without_session(changed: dict[str, Any]) -> None:
    found = schedules(description="Ring to ask", **changed)
    assert next_sessions(found, MONDAY_NOON, 3) == []
    assert found[0].text == "Ring to ask"


@given(
    st.fixed_dictionaries(
        {
            "freq": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
            "interval": st.integers(1, 53),
            "dtstart": st.dates(max_value=TODAY).map(str),
            "byday": st.sampled_from(["", "MO", "TU,SA", "2WE", "-5MO"]),
            "bymonthday": st.sampled_from(["", "31", "-1", "29,30"]),
        }
    ),
    moments,
)
def test_any_rule_gives_later_sessions_in_order(rule: dict[str, Any], after: datetime) -> None:
    coming = next_sessions(schedules(**rule), after, 5)
    assert all(session.starts_at > after for session in coming)
    assert coming == sorted(coming)
