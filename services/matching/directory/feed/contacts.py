"""Reads the contacts of a service: email address, telephone number and web address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.records import Record, records_in
from shared.platform.people.mailbox import MailboxNotAccepted, parse_mailbox
from shared.platform.people.telephone import directory_telephone

MAX_URL_LENGTH = 500
BARE_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?([/?#].*)?")


def read_email(record: Record, organisation: Record, record_id: str, report: Report) -> str | None:
    """The email address of the service, else of a contact, else of its organisation."""
    contacts = (*records_in(record, "contacts"), *records_in(organisation, "contacts"))
    for holder in (record, *contacts, organisation):
        value = holder.get("email")
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            return parse_mailbox(value.strip().removeprefix("mailto:"))
        except MailboxNotAccepted:
            report.add(record_id, "email", "email_unusable")
    report.add(record_id, "email", "email_missing")
    return None


def read_telephone(record: Record, record_id: str, report: Report) -> str | None:
    """The first telephone number that can be dialled, as it is printed."""
    for phone in _phones(record):
        value = phone.get("number")
        number = directory_telephone(value[:60]) if isinstance(value, str) else None
        if number:
            return number
        report.add(record_id, "phones.number", "telephone_unusable")
    return None


def read_url(record: Record, record_id: str, report: Report) -> str | None:
    """The web address with the scheme http or https, or None."""
    value = record.get("url")
    if not isinstance(value, str) or not value.strip():
        return None
    address = value.strip()
    if BARE_HOST.fullmatch(address):
        report.add(record_id, "url", "url_no_scheme")
        address = f"https://{address}"
    if not _can_be_opened(address):
        report.add(record_id, "url", "url_unusable")
        return None
    return address


def _can_be_opened(address: str) -> bool:
    if len(address) > MAX_URL_LENGTH or not address.isprintable() or set(address) & set(" <>\"'`\\"):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _phones(record: Record) -> Iterator[Record]:
    yield from records_in(record, "phones")
    for contact in records_in(record, "contacts"):
        yield from records_in(contact, "phones")
    for at in records_in(record, "service_at_locations"):
        yield from records_in(at, "phones")
