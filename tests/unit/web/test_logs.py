"""Log lines: their fields, exceptions without messages, and repeated messages of libraries."""

import json
import logging
import sys
from datetime import UTC, datetime

import pytest
import structlog

from shared.platform.web.logs import JsonLines, Sparingly, configure_logging


def record(name: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 1, message, ("somewhere",), None)


def test_library_message_repeated_is_logged_once_in_a_while() -> None:
    now = [100.0]
    sparingly = Sparingly("library", seconds=5.0, now=lambda: now[0])
    assert sparingly.filter(record("library.part", "away: %s"))
    assert not sparingly.filter(record("library.part", "away: %s"))
    assert sparingly.filter(record("library.part", "back: %s"))
    now[0] += 5.0
    assert sparingly.filter(record("library.part", "away: %s"))


def test_own_message_repeated_is_always_logged() -> None:
    sparingly = Sparingly("library")
    assert all(sparingly.filter(record("shared.delivery.outbox.relay", "waits: %s")) for _ in range(3))


def failed(at: datetime) -> logging.LogRecord:
    """A library's record of an exception that quotes input."""
    try:
        try:
            raise KeyError("Ada Example")
        except KeyError as cause:
            raise ValueError("9990000018") from cause
    except ValueError:
        made = logging.LogRecord("library", logging.ERROR, "", 1, "away: %s", ("there",), sys.exc_info())
    made.created = at.timestamp()
    made.__dict__ |= {"locality": "meir", "message": "of another handler", "color_message": "away"}
    return made


def test_record_of_a_library_has_the_same_fields() -> None:
    at = datetime(2026, 7, 1, 12, 0, 0, 5000, tzinfo=UTC)
    text = JsonLines("matching").format(failed(at))
    line = json.loads(text)
    (error, cause) = line.pop("exception")
    assert list(line.items()) == [
        ("time", "2026-07-01T12:00:00.005+00:00"),
        ("level", "error"),
        ("service", "matching"),
        ("logger", "library"),
        ("message", "away: there"),
        ("locality", "meir"),
    ]
    assert (error["class"], cause["class"]) == ("builtins.ValueError", "builtins.KeyError")
    assert error["frames"][-1].endswith(" failed")
    assert "Ada" not in text
    assert "9990000018" not in text


def test_structlog_logger_writes_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("matching")
        try:
            raise ValueError("9990000018")
        except ValueError:
            structlog.get_logger("ours").exception("failed", locality="meir")
    finally:
        structlog.reset_defaults()
        logging.basicConfig(level=level, handlers=handlers, force=True)
    line = json.loads(capsys.readouterr().err)
    assert list(line) == ["time", "level", "service", "logger", "message", "locality", "exception"]
    assert (line["level"], line["logger"], line["message"]) == ("error", "ours", "failed")
    assert [one["class"] for one in line["exception"]] == ["builtins.ValueError"]
    assert "9990000018" not in str(line)
