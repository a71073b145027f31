"""What a service costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from shared.directory.defects import Report
from shared.directory.model import Cost
from shared.directory.records import Record, records_in
from shared.directory.schedules import day
from shared.directory.text import plain_text

LONGEST_TEXT = 200
DEAREST = Decimal(100_000)


def read_costs(record: Record, name: str, today: date, report: Report) -> tuple[Cost, ...]:
    """The prices that hold today, else the feed's own words about fees."""
    found = []
    for option in records_in(record, "cost_options"):
        last = day(option.get("valid_to"))
        if last is not None and last < today:
            report.add(name, "cost_options", "cost_over")
            continue
        text = plain_text(_said(option), LONGEST_TEXT).text
        amount = _pounds(option.get("amount"))
        if amount is None and option.get("amount") is not None:
            report.add(name, "cost_options", "cost_unusable")
        if amount is not None or text:
            found.append(Cost(amount=amount, text=text))
    if not found:
        fees = record.get("fees") or record.get("fees_description")
        words = plain_text(fees, LONGEST_TEXT) if isinstance(fees, str) else None
        if words and words.text:
            for code in words.defects:
                report.add(name, "fees", code)
            found.append(Cost(amount=None, text=words.text))
    return tuple(dict.fromkeys(found))


def _said(option: Record) -> str:
    """A session (members): what one pays for, and who pays it."""
    what, who = (str(option.get(key) or "").strip() for key in ("amount_description", "option"))
    return f"{what} ({who})" if what and who else what or who


def _pounds(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value).strip().removeprefix("£"))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= DEAREST:
        return None
    return amount.quantize(Decimal("0.01"))
