"""Rules of RFC 5545 are honoured completely or not at all."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.feed import Defect, Schedule, next_sessions, read_directory
from services.matching.directory.feed.rules import occurrences
from shared.platform.clock import LONDON
from tests.harness.feed.records import TODAY, lunch_club

MONDAY_NOON = datetime(2026, 6, 15, 11, 0, tzinfo=UTC)


def read(**changed: Any) -> tuple[Schedule, tuple[Defect, ...]]:
    record = {"freq": "WEEKLY", "byday": "TU", "opens_at": "12:00", "description": "Ask us", **changed}
    imported = read_directory(lunch_club(schedules=[record]), "tests", TODAY)
    return imported.services[0].schedules[0], imported.defects


def starts(most: int, after: datetime = MONDAY_NOON, **changed: Any) -> list[str]:
    coming = next_sessions([read(**changed)[0]], after, most)
    return [f"{session.starts_at.astimezone(LONDON):%a %d %b %H:%M}" for session in coming]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"freq": "YEARLY", "byday": "MO", "byweekno": "26,40", "dtstart": "2025-01-01"},
            ["Mon 22 Jun 12:00"],
        ),
        (
            {"freq": "YEARLY", "byday": None, "byyearday": "170,-180"},
            ["Fri 19 Jun 12:00", "Sun 05 Jul 12:00"],
        ),
        ({"freq": "MONTHLY", "byday": "MO,TU,WE,TH,FR", "bysetpos": "-1"}, ["Tue 30 Jun 12:00"]),
        ({"freq": "WEEKLY", "bymonth": "7,9"}, ["Tue 07 Jul 12:00", "Tue 14 Jul 12:00"]),
        ({"freq": "MONTHLY", "byday": "FR", "bymonthday": "13", "dtstart": "2026-01-01"}, []),
        ({"freq": "YEARLY", "byday": None, "bymonthday": 4, "bymonth": 7}, ["Sat 04 Jul 12:00"]),
        ({"freq": "DAILY", "byday": None, "interval": 3, "dtstart": "2026-06-15"}, ["Thu 18 Jun 12:00"]),
        # The two examples of WKST in RFC 5545, with the first Tuesday in this year.
        (
            {"interval": 2, "byday": "TU,SU", "wkst": "MO", "dtstart": "2026-06-16"},
            ["Tue 16 Jun 12:00", "Sun 21 Jun 12:00", "Tue 30 Jun 12:00"],
        ),
        (
            {"interval": 2, "byday": "TU,SU", "wkst": "SU", "dtstart": "2026-06-16"},
            ["Tue 16 Jun 12:00", "Sun 28 Jun 12:00", "Tue 30 Jun 12:00"],
        ),
        ({"byday": ["TU", "FR"]}, ["Tue 16 Jun 12:00", "Fri 19 Jun 12:00"]),
    ],
)
def test_rule_with_any_part_gives_its_days(rule: dict[str, Any], expected: list[str]) -> None:
    assert read(**rule)[0].rule is not None
    assert starts(len(expected), **rule) == expected


@pytest.mark.parametrize(
    "rule",
    [
        {"byweekno": "20,40"},
        {"bymonthday": "1"},
        {"byyearday": "100"},
        {"byday": "2TU"},
        {"freq": "MONTHLY", "byday": "6MO"},
        {"freq": "MONTHLY", "byyearday": "100"},
        {"freq": "YEARLY", "byday": "1MO", "byweekno": "20"},
        {"bysetpos": "9"},
        {"byhour": "10,14"},
        {"byeaster": "0"},
        {"bysomething": "1"},
        {"rdate": "2026-07-01"},
        {"exdate": ["2026-06-16"]},
        {"wkst": "Monday"},
        {"wkst": 1},
        {"count": "a few", "dtstart": "2026-06-16"},
        {"count": 3},
        {"count": 3, "dtstart": "2026-06-15"},
        {"count": 0, "dtstart": "2026-06-16"},
        {"interval": 0},
        {"interval": 2.5, "dtstart": "2026-06-16"},
        {"interval": 2, "valid_from": "2026-06-16"},
        {"byday": None, "valid_from": "2026-06-16"},
        {"freq": "YEARLY", "byday": None, "bymonthday": 4},
        {"freq": "HOURLY"},
        {"freq": "DAILY", "byday": None, "bymonth": "2", "bymonthday": "30"},
    ],
)
def test_rule_not_honoured_keeps_its_text(rule: dict[str, Any]) -> None:
    schedule, defects = read(**rule)
    assert next_sessions([schedule], MONDAY_NOON, 3) == []
    assert (schedule.rule, schedule.text) == (None, "Ask us")
    assert "schedule_unusable" in {defect.code for defect in defects}


@pytest.mark.parametrize("field", ["until", "valid_to", "valid_from", "dtstart"])
@pytest.mark.parametrize("day", ["30/06/2024", "next spring", 20260630, {"on": "2026-06-30"}])
def test_unreadable_day_gives_no_session(field: str, day: object) -> None:
    schedule, defects = read(**{field: day})
    assert next_sessions([schedule], MONDAY_NOON, 3) == []
    assert "schedule_dates_unusable" in {defect.code for defect in defects}


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"dtstart": "2020-01-07", "valid_from": "2026-06-24"}, ["Tue 30 Jun 12:00"]),
        (
            {"dtstart": "2026-06-02", "count": 5, "valid_from": "2026-06-24"},
            ["Tue 30 Jun 12:00"],
        ),
        ({"valid_from": "2026-06-24T00:00:00"}, ["Tue 30 Jun 12:00", "Tue 07 Jul 12:00"]),
        ({"until": "20260616T235959Z"}, ["Tue 16 Jun 12:00"]),
        ({"until": "2026-06-16T00:00:00"}, ["Tue 16 Jun 12:00"]),
        ({"until": "2026-06-16T10:00:00"}, []),
        # Midnight in London, as a server in UTC writes it.
        ({"valid_to": "2026-06-22T23:00:00Z"}, ["Tue 16 Jun 12:00", "Tue 23 Jun 12:00"]),
        ({"valid_to": "9999-12-31T23:59:59", "valid_from": "0001-01-01T00:00:00Z"}, ["Tue 16 Jun 12:00"]),
    ],
)
def test_period_includes_first_and_last_day(period: dict[str, Any], expected: list[str]) -> None:
    found = starts(len(expected) + 1, **period)
    assert found[: len(expected)] == expected
    assert len(found) == len(expected) or "until" not in period


@pytest.mark.parametrize(
    ("times", "summer", "winter"),
    [
        ({"opens_at": "12:00"}, "12:00", "12:00"),
        ({"opens_at": "12:00Z"}, "13:00", "12:00"),
        ({"opens_at": "12:00:00+01:00"}, "12:00", "11:00"),
        ({"opens_at": "12:00", "timezone": "Europe/London"}, "12:00", "12:00"),
        ({"opens_at": "12:00", "timezone": "UTC"}, "13:00", "12:00"),
        ({"opens_at": "12:00", "timezone": "+01:00"}, "12:00", "11:00"),
        ({"opens_at": "12:00", "timezone": 1}, "12:00", "11:00"),
        ({"opens_at": "12:00", "timezone": "Europe/Paris"}, "11:00", "11:00"),
        ({"opens_at": "12:00Z", "timezone": "UTC"}, "13:00", "12:00"),
    ],
)
def test_time_is_read_in_its_own_zone(times: dict[str, Any], summer: str, winter: str) -> None:
    assert starts(1, **times) == [f"Tue 16 Jun {summer}"]
    assert starts(1, datetime(2026, 12, 14, 12, tzinfo=UTC), **times) == [f"Tue 15 Dec {winter}"]


def test_time_near_midnight_keeps_day_of_its_zone() -> None:
    assert starts(1, opens_at="23:30Z") == ["Wed 17 Jun 00:30"]


@pytest.mark.parametrize(
    "times",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"timezone": 99},
        {"opens_at": "12:00Z", "timezone": "Europe/London"},
        {"opens_at": "12:00+25:00"},
        {"opens_at": "midday"},
    ],
)
def test_unreadable_zone_gives_no_session(times: dict[str, Any]) -> None:
    schedule, defects = read(**times)
    assert schedule.rule is None
    assert "schedule_unusable" in {defect.code for defect in defects}


def test_session_in_skipped_hour_is_an_hour_later() -> None:
    after = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert starts(1, after, freq="DAILY", byday=None, opens_at="01:30") == ["Sun 28 Mar 02:30"]


def test_session_in_repeated_hour_is_held_once() -> None:
    after = datetime(2026, 10, 24, 12, tzinfo=UTC)
    coming = next_sessions([read(freq="DAILY", byday=None, opens_at="01:30")[0]], after, 2)
    assert [one.starts_at for one in coming] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 13),
    st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=3, unique=True),
    st.sampled_from(["", ";BYMONTH=2,6", ";BYSETPOS=1", ";WKST=SU", ";COUNT=9"]),
    st.dates(date(1990, 1, 1), date(2098, 1, 1)),
    st.integers(0, 2000),
)
def test_occurrences_equal_those_of_dateutil(
    freq: str, interval: int, days: list[str], more: str, start: date, later: int
) -> None:
    byday = f";BYDAY={','.join(days)}" if days else ""
    rule = f"FREQ={freq};INTERVAL={interval}{byday}{more}"
    first = datetime.combine(start, datetime.min.time())
    after = first + timedelta(days=later)
    last = after + timedelta(days=400)
    if last.year > 2099:
        return
    expected = rrulestr(rule, dtstart=first).between(after, last, inc=False)
    found = [one for one in occurrences(rule, first, after, last) if one < last]
    assert found == expected


@pytest.mark.parametrize("freq", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_rule_for_no_day_is_refused_quickly(freq: str) -> None:
    began = time.process_time()
    schedule, _ = read(freq=freq, byday="MO", bymonth="2", bysetpos="30", dtstart="1990-01-01")
    assert schedule.rule is None
    assert time.process_time() - began < 1
