"""A person's details, version by version: nothing that was known is overwritten."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity.vault import versions

START = datetime(2026, 6, 15, 9, tzinfo=UTC)
fields = st.sampled_from(["telephone", "house", "family_name"])
values = st.binary(min_size=1, max_size=3)


@given(st.dictionaries(fields, values), st.lists(st.dictionaries(fields, st.none() | values), max_size=6))
def test_versions_after_many_changes_all_stay_readable(
    sealed: dict[str, bytes], changes: list[dict[str, bytes | None]]
) -> None:
    row: dict[str, Any] = versions.first_version("meir", sealed, "first-author", START)
    expected = [dict(sealed)]
    for number, change in enumerate(changes, start=1):
        row = versions.next_version(row, change, f"author-{number}", START + timedelta(hours=number))
        merged = {**expected[-1], **change}
        expected.append({field: value for field, value in merged.items() if value is not None})

    assert versions.version_of(row) == len(expected)
    for number, stood in enumerate(expected, start=versions.FIRST):
        assert versions.as_of(row, number) == stood


def test_changed_value_keeps_its_author_and_dates() -> None:
    row = versions.first_version("meir", {"telephone": b"old"}, "asha", START)
    later = START + timedelta(days=3)

    row = versions.next_version(row, {"telephone": b"new"}, "gillian", later)

    assert row["sealed"] == {"telephone": b"new"}
    assert row["said"] == {"telephone": {"by": "gillian", "at": later}}
    assert row["past"] == [
        {"field": "telephone", "sealed": b"old", "by": "asha", "at": START, "until": later, "version": 2}
    ]


def test_details_without_a_version_are_the_first() -> None:
    row = {"_id": "p", "locality": "meir", "changed": START, "sealed": {"house": b"1"}}

    changed = versions.next_version(row, {"house": b"2"}, "asha", START)

    assert versions.as_of(row, versions.FIRST) == {"house": b"1"}
    assert versions.as_of(changed, versions.FIRST) == {"house": b"1"}
    assert "_id" not in changed
