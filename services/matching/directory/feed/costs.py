"""Reads the prices of a service."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.model import Cost
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.text import plain_text
from services.matching.directory.feed.times import is_blank, read_day

MAX_TEXT_LENGTH = 200
MAX_AMOUNT = Decimal(100_000)
MAX_AMOUNT_LENGTH = 30
THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
POUNDS = frozenset({"gbp", "ukp", "£", "pound", "pounds", "sterling", "pound sterling", "pounds sterling"})
CURRENCY = re.compile(r"[a-z]{3}|[€$¥]", re.IGNORECASE)


def read_costs(record: Record, record_id: str, today: date, report: Report) -> tuple[Cost, ...]:
    """The prices that are valid today, else the feed's own words about fees."""
    found = []
    for option in records_in(record, "cost_options"):
        if not _is_current(option, record_id, today, report):
            continue
        text = plain_text(_description(option), MAX_TEXT_LENGTH).text
        amount = _amount(option.get("amount"))
        if amount is None and not is_blank(option.get("amount")):
            report.add(record_id, "cost_options", "cost_unusable")
        elif amount and not _in_pounds(option):
            report.add(record_id, "cost_options", "currency_foreign")
            text, amount = _in_own_currency(option, amount, text), None
        if amount is not None or text:
            found.append(Cost(amount=amount, text=text))
    if not found:
        fees = record.get("fees") or record.get("fees_description")
        words = plain_text(fees, MAX_TEXT_LENGTH) if isinstance(fees, str) else None
        if words and words.text:
            for code in words.defects:
                report.add(record_id, "fees", code)
            found.append(Cost(amount=None, text=words.text))
    return tuple(dict.fromkeys(found))


def _is_current(option: Record, record_id: str, today: date, report: Report) -> bool:
    """True if a price is valid today. A price with an unreadable day does not count as valid."""
    first, last = read_day(option.get("valid_from")), read_day(option.get("valid_to"))
    wrong = None
    if (first is None and not is_blank(option.get("valid_from"))) or (
        last is None and not is_blank(option.get("valid_to"))
    ):
        wrong = "cost_dates_unusable"
    elif last is not None and last < today:
        wrong = "cost_over"
    elif first is not None and first > today:
        wrong = "cost_not_yet"
    if wrong:
        report.add(record_id, "cost_options", wrong)
    return wrong is None


def _description(option: Record) -> str:
    """Text of the price, such as "A session (members)": its subject and its payers."""
    what, who = (
        value.strip() if isinstance(value, str) else ""
        for value in (option.get("amount_description"), option.get("option"))
    )
    return f"{what} ({who})" if what and who else what or who


def _in_pounds(option: Record) -> bool:
    currency = option.get("currency")
    return is_blank(currency) or (isinstance(currency, str) and currency.strip().lower() in POUNDS)


def _in_own_currency(option: Record, amount: Decimal, text: str) -> str:
    """The price in its own currency, if the currency is a code or sign that a reader knows."""
    currency = str(option.get("currency")).strip()
    money = f"{amount:.2f} {currency.upper()}" if CURRENCY.fullmatch(currency) else ""
    return f"{money} {text}".strip()[:MAX_TEXT_LENGTH]


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        written = str(value).strip().removeprefix("£").strip()
        if THOUSANDS.fullmatch(written):
            written = written.replace(",", "")
        amount = Decimal(written) if len(written) <= MAX_AMOUNT_LENGTH else Decimal("NaN")
    except (InvalidOperation, ValueError):  # not a number, or one of thousands of digits
        return None
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        return None
    return amount.quantize(Decimal("0.01"))
