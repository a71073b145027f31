"""A page of entries is merged without a loss, and an export holds no formula."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from services.referral.audit.export import as_csv, safe
from services.referral.audit.record import Line, merged
from shared.delivery.audit.api import AuditLine
from shared.platform.web.audit import AuditKind

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def line(second: int, caller: str = "lw-1") -> AuditLine:
    return AuditLine(
        at=NOON + timedelta(seconds=second),
        kind=AuditKind.CHANGE,
        caller=caller,
        role="link_worker",
        action="close",
        referral="0197b0c4-7d4e-7a3b-8c1d-2f3e4a5b6c7d",
        purpose="change",
        request_id="r-1",
        codes=["referral_closed", "reason=died"],
    )


def pages(entries: dict[str, list[AuditLine]], size: int) -> list[AuditLine]:
    """Every entry, read a page at a time as the services answer."""
    found: list[AuditLine] = []
    before: datetime | None = NOON + timedelta(days=1)
    while before is not None:
        limit = before
        given = {
            service: sorted((e for e in all_ if e.at < limit), key=lambda e: e.at, reverse=True)[: size + 1]
            for service, all_ in entries.items()
        }
        page = merged(given, page=size)
        found += [one.entry for one in page.lines]
        before = page.before
    return found


def test_pages_leave_out_no_entry_and_repeat_none() -> None:
    entries = {"referral": [line(n) for n in range(40)], "matching": [line(n // 3) for n in range(30)]}
    found = pages(entries, 7)
    assert len(found) == 70
    assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)


def test_page_names_the_services_that_did_not_answer() -> None:
    page = merged({"referral": [line(1)]}, ["matching"])
    assert (page.silent, page.before) == (("matching",), None)


@pytest.mark.parametrize(
    "text",
    ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\n=1"],
)
def test_formula_becomes_text(text: str) -> None:
    assert safe(text) == f"'{text}"
    row = list(csv.reader(StringIO(as_csv([Line("matching", line(1, text))]), newline="")))[1]
    assert row[3] == f"'{text}"


def test_plain_text_stays_as_it_is() -> None:
    assert safe("lw-meir-1") == "lw-meir-1"
    row = list(csv.reader(StringIO(as_csv([Line("matching", line(1, 'a "b", c'))]))))[1]
    assert (row[3], row[9]) == ('a "b", c', "referral_closed reason=died")
