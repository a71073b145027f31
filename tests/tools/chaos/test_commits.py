"""The times of handling from the broker's log of commits, and the waits that a fault caused."""

import struct
from dataclasses import replace

from chaos.commits import Commits
from chaos.faults import StrikeRecord
from chaos.log import Entry
from chaos.plan import Strike
from chaos.posts import Post
from chaos.waits import Doing
from tests.harness.chaos.small import kept


def text(words: str) -> bytes:
    return struct.pack(">h", len(words)) + words.encode()


def commit(number: int, at: float, offset: int, group: str = "meir.evaluation") -> Entry:
    """A commit as the broker writes it down: a group has handled what lies before this offset."""
    key = struct.pack(">h", 1) + text(group) + text("meir.referral-created.v1") + struct.pack(">i", 0)
    value = struct.pack(">hqi", 3, offset, -1) + text("") + struct.pack(">q", int(at * 1000))
    return Entry("__consumer_offsets", 0, number, at, key, value, ())


def record(offset: int, at: float) -> Entry:
    return replace(kept().log[0], offset=offset, at=at)


def test_a_record_is_handled_at_the_first_commit_beyond_it() -> None:
    commits = Commits([commit(1, 10.0, 1), commit(2, 20.0, 4), commit(3, 30.0, 2)])
    assert commits.handled_at("meir.evaluation", record(0, 5.0)) == 10.0
    assert commits.handled_at("meir.evaluation", record(1, 5.0)) == 20.0
    assert commits.handled_at("meir.evaluation", record(4, 5.0)) is None
    assert commits.handled_at("meir.referral", record(0, 5.0)) is None


def test_record_that_is_no_commit_is_skipped() -> None:
    member = Entry("__consumer_offsets", 0, 1, 1.0, struct.pack(">h", 2) + text("meir.evaluation"), b"x", ())
    forgotten = replace(commit(2, 2.0, 5), value=None)
    assert Commits([member, forgotten]).handled_at("meir.evaluation", record(0, 0.0)) is None


def test_fault_delays_events_shortly_before_and_during_it() -> None:
    log = [record(0, 90.0), record(1, 98.0), record(2, 101.0), record(3, 120.0)]
    commits = Commits([commit(1, 91.0, 1), commit(2, 106.0, 3), commit(3, 121.0, 4)])
    killed = StrikeRecord(Strike("evaluation killed", ("evaluation",)), 100.0, 103.0)
    wait = Doing(replace(kept(), log=log), commits, []).wait(killed)
    assert (wait.without, wait.after_return) == (6.0, 3.0)


def test_a_practice_waits_for_its_answer() -> None:
    killed = StrikeRecord(Strike("referral killed", ("referral",)), 100.0, 103.0)
    asked = Post("a key", "meir", sent=101.0, answered=105.5)
    wait = Doing(replace(kept(), log=[]), Commits([]), [asked]).wait(killed)
    assert (wait.without, wait.after_return) == (4.5, 2.5)
    assert wait.longest_for == "an answer to a practice"
