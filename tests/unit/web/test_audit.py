"""Reads of a person leave a line, and a read that cannot be audited does not happen."""

import logging
from datetime import UTC, datetime

import pytest

from shared.platform.web.audit import AuditEntry, audit
from shared.platform.web.auth import Principal

CALLER = Principal(subject="lw-meir-1", role="link_worker")
PERSON = "p_4fzzuNQW3bX"


def at_nine() -> datetime:
    return datetime(2026, 11, 24, 9, tzinfo=UTC)


class Kept:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


class Away:
    async def record(self, entry: AuditEntry) -> None:
        raise ConnectionError


async def test_an_entry_is_logged_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    with caplog.at_level(logging.INFO, "linkwork.audit"):
        entry = await audit(CALLER, "read_person", PERSON, "meeting", sink=kept, clock=at_nine)

    assert kept.entries == [entry]
    assert entry.document()["at"] == at_nine()
    [line] = caplog.records
    assert (line.name, vars(line)["subject_ref"], vars(line)["caller"]) == (
        "linkwork.audit",
        PERSON,
        "lw-meir-1",
    )


async def test_what_cannot_be_kept_fails(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConnectionError):
        await audit(CALLER, "read_person", PERSON, "meeting", sink=Away())

    assert not caplog.records


@pytest.mark.parametrize("reference", ["9990000018", "Ada Example", "", "ada@example.org", "999 000 0018"])
async def test_references_are_opaque(reference: str) -> None:
    with pytest.raises(ValueError, match="opaque"):
        await audit(CALLER, "read_person", reference, "meeting")


@pytest.mark.parametrize("text", ["Read person", "because she rang", ""])
async def test_actions_and_purposes_are_codes(text: str) -> None:
    with pytest.raises(ValueError, match="codes"):
        await audit(CALLER, text, PERSON, "meeting")
    with pytest.raises(ValueError, match="codes"):
        await audit(CALLER, "read_person", PERSON, text)
