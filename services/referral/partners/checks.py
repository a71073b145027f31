"""The judgement of one record of an inbox, by itself and the table, and its copy. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.referral.partners.ownership import refusal_of_end, refusal_of_owner
from services.referral.partners.table import AdmissionTable
from shared.contract.events import topics
from shared.contract.events.envelope import Envelope, Refused, read_any
from shared.contract.events.headers import EPOCH_FORM, EPOCH_HEADER
from shared.contract.events.inbox_end import EndOfInbox
from shared.contract.events.marker import control_source
from shared.contract.events.outcomes import KINDS
from shared.contract.events.refusals import RefusalCode
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.outbox.rows import Message

Headers = Iterable[tuple[str, bytes | None]]

INBOX_HEADER: Final = "linkwork-inbox"
PARTITION_HEADER: Final = "linkwork-inbox-partition"
OFFSET_HEADER: Final = "linkwork-inbox-offset"
TABLE_HEADER: Final = "linkwork-table-version"

_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = re.compile(EPOCH_FORM)
# An epoch that no part has: the header is there, and not in its form.
_NO_EPOCH: Final = -1
_TIMES: Final = ("ce_time", "ce_recordedtime")
# Pointers into the event in the CloudEvents JSON format, the same for a record and for a request.
_POINTERS: Final[Mapping[RefusalCode, str]] = {
    RefusalCode.UNKNOWN_TYPE: "/type",
    RefusalCode.EARLIER_VERSION: "/type",
    RefusalCode.LATER_VERSION: "/type",
    RefusalCode.BAD_ID: "/id",
    RefusalCode.WRONG_SOURCE: "/source",
    RefusalCode.UNKNOWN_SOURCE: "/source",
    RefusalCode.BAD_TIME: "/time",
    RefusalCode.EMPTY_BODY: "/data",
    RefusalCode.TOO_LARGE: "/data",
    RefusalCode.BAD_JSON: "/data",
    RefusalCode.INVALID_BODY: "/data",
    RefusalCode.WRONG_LOCALITY: "/data/locality",
    RefusalCode.WRONG_KEY: "/subject",
    RefusalCode.UNKNOWN_KIND: "/data/kind",
    RefusalCode.NOT_YOUR_FACT: "/data/event_source",
    RefusalCode.UNKNOWN_PRACTICE: "/data/practice",
    RefusalCode.NOT_OWNER: "/source",
    RefusalCode.NO_HAND_OVER: "/data/part",
    RefusalCode.WRONG_EPOCH: "/partepoch",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of one event: a code and a place in it, never a word of the input.

    Attributes:
        problem: for `invalid_body`, the kind of difference from the schema.
        id: the event's id, if it has the right form.
        referral: the subject, if it has the right form.
    """

    code: RefusalCode
    pointer: str = ""
    problem: str | None = None
    id: str | None = None
    referral: str | None = None


def judge(
    source: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    table: AdmissionTable,
    ended: int | None = None,
) -> Envelope | EndOfInbox | Refusal:
    """The event of a record in this source's inbox, its end, or the reason for a refusal. Never raises.

    `ended`: the last epoch in which the inbox has ended.
    """
    sent = list(headers)
    try:
        found = _judge(source, key, value, sent, table, ended)
    except Exception:  # A bad record must not stop its neighbours, whatever is wrong with it or with us.
        found = Refusal(RefusalCode.UNREADABLE)
    if not isinstance(found, Refusal):
        return found
    return Refusal(found.code, found.pointer, found.problem, _sole(sent, "ce_id"), _sole(sent, "ce_subject"))


def _judge(
    source: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    table: AdmissionTable,
    ended: int | None,
) -> Envelope | EndOfInbox | Refusal:
    locality = topics.locality_of_source(source) or ""
    read = read_any(locality, key, value, headers)
    if isinstance(read, Refused):
        return _of_reading(read)
    there = table.locality(locality)
    if isinstance(read, EndOfInbox):
        if read.source not in (source, control_source(locality)):
            return _at(RefusalCode.WRONG_SOURCE)
        if ended is not None and read.body.epoch <= ended:
            return read  # A repeat.
        refused = refusal_of_end(there, source, read.body)
        return read if refused is None else _at(refused)
    if read.source != source:
        return _at(RefusalCode.WRONG_SOURCE)
    code = refusal_of_owner(there, source, ended, _epoch_in(headers))
    if code is not None:
        return _at(code)
    code = table.refusal(read)
    if code is None:
        return read
    if code is RefusalCode.NOT_YOURS_TO_SAY:
        return Refusal(code, "/data/kind" if read.event == "outcome-recorded" else "/type")
    return _at(code)


def _epoch_in(headers: Headers) -> int | None:
    """The epoch that a record names, or None if it names none."""
    value = next((value for name, value in headers if name == EPOCH_HEADER), None)
    if value is None:
        return None
    text = value.decode("ascii", "replace")
    return int(text) if _EPOCH.fullmatch(text) else _NO_EPOCH


def _at(code: RefusalCode) -> Refusal:
    return Refusal(code, _POINTERS.get(code, ""))


def _of_reading(read: Refused) -> Refusal:
    code = RefusalCode(read.reason)
    place, _, problem = read.error.partition(", ")[0].partition(" ")
    if code is not RefusalCode.INVALID_BODY or not problem:
        return _at(code)
    steps = place.split(".") if place else []
    if steps and steps[0] in KINDS:
        steps = steps[1:]  # The member of the union, which is no step in the body.
    known = steps[: steps.index("?")] if "?" in steps else steps  # "?" is a name that is none of ours.
    return Refusal(code, "".join(["/data", *(f"/{step}" for step in known)]), problem)


def _sole(headers: Headers, name: str) -> str | None:
    """The UUID in the only header of this name, or None."""
    values = [value for each, value in headers if each == name]
    if len(values) != 1 or values[0] is None or not _UUID.fullmatch(values[0]):
        return None
    return values[0].decode()


def copy_of(event: Envelope, record: Record, version: str) -> Message:
    """The record's copy for the locality's topic: key, body, id, source and times as they were sent.

    Only attributes of the contract are copied, since any other header may hold what no event may hold.
    """
    attributes = event.attributes()
    for name, value in record.headers:
        if name in _TIMES and value is not None:
            attributes[name] = value.decode()
    receipt = {
        INBOX_HEADER: record.topic,
        PARTITION_HEADER: str(record.partition),
        OFFSET_HEADER: str(record.offset),
        TABLE_HEADER: version,
    }
    return Message(event.topic(), event.body.referral_id.encode(), event.raw, attributes | receipt)
