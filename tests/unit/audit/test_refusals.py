"""Refusals are counted by caller and minute, and no flood of them makes more entries than the bound."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.platform.web.audit import AuditEntry
from shared.platform.web.principal import Principal
from shared.platform.web.refusals import MAX_ENTRIES, MAX_OF_CALLER, Refusals

CALLER = Principal("lw-meir-1", "link_worker")
REFERRAL = "0197b0c4-7d4e-7a3b-8c1d-2f3e4a5b6c7d"
ROUTE = "/api/matching/v1/cases/{referral_id}/close"


@pytest.fixture
def refusals() -> Refusals:
    return Refusals(lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))


def note(refusals: Refusals, **changes: Any) -> None:
    given: dict[str, Any] = {
        "status": 409,
        "method": "POST",
        "route": ROUTE,
        "code": "case_ended",
        "caller": CALLER,
        "parameters": {"referral_id": REFERRAL},
        "request_id": "r-1",
    }
    refusals.note(**(given | changes))


def shown(entry: AuditEntry) -> tuple[str, str, str, tuple[str, ...], int]:
    return entry.caller, entry.action, entry.subject_ref, entry.codes, entry.times


def test_same_refusal_is_one_entry_with_its_number(refusals: Refusals) -> None:
    for number in range(3):
        note(refusals, request_id=f"r-{number}")
    (entry,) = refusals.drain()
    action = "post.api.matching.v1.cases.referral_id.close"
    assert shown(entry) == ("lw-meir-1", action, REFERRAL, ("status=409", "case_ended"), 3)
    assert entry.request_id == "r-0"
    assert refusals.drain() == []


@pytest.mark.parametrize("status", [200, 303, 404, 422, 429, 500, 503])
def test_other_answers_are_no_refusals(refusals: Refusals, status: int) -> None:
    note(refusals, status=status)
    assert refusals.drain() == []


def test_unknown_caller_names_no_record(refusals: Refusals) -> None:
    note(refusals, status=401, caller=None)
    (entry,) = refusals.drain()
    assert (entry.caller, entry.role, entry.subject_ref) == ("-", "-", "-")


@pytest.mark.parametrize("given", ["999 000 0018", "9990000018", "x" * 5000, "=cmd()", "../../etc"])
def test_what_is_no_reference_is_left_out(refusals: Refusals, given: str) -> None:
    note(refusals, parameters={"referral_id": given}, code="=HYPERLINK(1)")
    (entry,) = refusals.drain()
    assert (entry.subject_ref, entry.codes) == ("-", ("status=409",))


def test_flood_of_one_caller_is_bounded(refusals: Refusals) -> None:
    for number in range(5000):
        note(refusals, parameters={"referral_id": f"referral-{number}"})
    note(refusals, caller=Principal("lw-meir-2", "link_worker"))
    entries = refusals.drain()
    assert len(entries) == MAX_OF_CALLER + 2
    assert sum(entry.times for entry in entries if entry.caller == "lw-meir-1") == 5000
    assert entries[-1].caller == "lw-meir-2"


def test_flood_of_many_callers_is_bounded(refusals: Refusals) -> None:
    for number in range(5000):
        note(refusals, caller=Principal(f"user-{number}", "referrer"))
    entries = refusals.drain()
    assert len(entries) == MAX_ENTRIES + 1
    assert sum(entry.times for entry in entries) == 5000
