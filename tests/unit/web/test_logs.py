"""What a library says over and over is written down now and then; what we say, always."""

import logging

from shared.platform.web.logs import Sparingly


def record(name: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 1, message, ("somewhere",), None)


def test_the_same_is_said_again_after_a_while_and_something_else_at_once() -> None:
    now = [100.0]
    sparingly = Sparingly("library", seconds=5.0, now=lambda: now[0])
    assert sparingly.filter(record("library.part", "away: %s"))
    assert not sparingly.filter(record("library.part", "away: %s"))
    assert sparingly.filter(record("library.part", "back: %s"))
    now[0] += 5.0
    assert sparingly.filter(record("library.part", "away: %s"))


def test_what_is_not_the_librarys_is_always_said() -> None:
    sparingly = Sparingly("library")
    assert all(sparingly.filter(record("shared.delivery.outbox.relay", "waits: %s")) for _ in range(3))
