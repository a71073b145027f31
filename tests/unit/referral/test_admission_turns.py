"""Turns are fair, and refusals beyond a number a minute are counted."""

from datetime import UTC, datetime, timedelta

from services.referral.partners.checks import Refusal
from services.referral.partners.refusals import RefusalWindow, message_of, record_refused
from services.referral.partners.turns import Turns
from shared.contract.events.refusals import LastPlace, RecordRefused, RefusalCode
from tests.harness.referral.partners import GOOD_RECORD as RECORD

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_take_gives_each_source_its_share_of_a_turn() -> None:
    turns: Turns[int] = Turns(a_second=100, most=10)
    turns.add("flood", range(1000), 0.0)
    turns.add("quiet", [1], 0.0)
    assert turns.take(0.0) == [("flood", list(range(10))), ("quiet", [1])]


def test_take_keeps_to_the_rate_of_a_source() -> None:
    turns: Turns[int] = Turns(a_second=100, most=1000)
    turns.add("flood", range(1000), 0.0)
    taken = [len(items) for at in (0.0, 0.1, 0.2, 5.0) for _, items in turns.take(at)]
    assert taken == [100, 10, 10, 100]


def test_wait_is_the_time_until_the_next_item() -> None:
    turns: Turns[int] = Turns(a_second=100, most=1000)
    assert turns.wait(0.0) is None
    turns.add("flood", range(101), 0.0)
    assert turns.wait(0.0) == 0.0
    turns.take(0.0)
    assert turns.wait(0.0) == 0.01
    assert turns.take(0.011) == [("flood", [100])]


def test_put_back_keeps_the_order_and_lets_the_source_rest() -> None:
    turns: Turns[int] = Turns(a_second=100, most=3)
    turns.add("one", [1, 2, 3, 4], 0.0)
    ((_, items),) = turns.take(0.0)
    turns.put_back("one", items[1:], until=1.0)
    assert (turns.take(0.5), turns.wait(0.5)) == ([], 0.5)
    assert turns.take(1.0) == [("one", [2, 3, 4])]


def test_clear_forgets_all_items() -> None:
    turns: Turns[int] = Turns(a_second=100)
    turns.add("one", [1, 2], 0.0)
    turns.clear()
    assert (turns.take(0.0), turns.waiting("one")) == ([], 0)


def refused(offset: int, code: RefusalCode = RefusalCode.BAD_ID, seconds: float = 0.0) -> RecordRefused:
    record = RECORD.at(offset)
    return record_refused(Refusal(code, "/id"), record, NOW + timedelta(seconds=seconds))


def test_window_tells_the_first_singly_and_counts_the_rest() -> None:
    window = RefusalWindow(singly=2)
    told = [window.add(refused(offset)) for offset in range(2)]
    assert [line and line.offset for line in told] == [0, 1]
    assert [window.add(refused(n)) for n in (2, 3, 4)] == [None, None, None]
    assert window.add(refused(5, RefusalCode.BAD_TIME)) is None
    assert window.due(NOW + timedelta(seconds=59)) == []
    summary, single = window.due(NOW + timedelta(seconds=60))
    assert (summary.code, summary.count, summary.offset) == (RefusalCode.BAD_ID, 3, 2)
    assert summary.last == LastPlace(partition=0, offset=4)
    assert (single.code, single.count, single.offset, single.last) == (RefusalCode.BAD_TIME, 1, 5, None)


def test_window_gives_summaries_again_until_they_are_told() -> None:
    window = RefusalWindow(singly=0)
    window.add(refused(3))
    later = NOW + timedelta(minutes=1)
    assert window.due(later) == window.due(later) != []
    assert window.first_untold(0) == 3
    window.summaries_told()
    assert (window.due(later), window.first_untold(0)) == ([], None)


def test_window_begins_anew_after_its_minute() -> None:
    window = RefusalWindow(singly=1)
    assert window.add(refused(0)) is not None
    assert window.add(refused(1, seconds=30)) is None
    assert window.add(refused(2, seconds=60)) is not None


def test_window_tells_all_at_once_when_asked() -> None:
    window = RefusalWindow(singly=0)
    window.add(refused(3))
    assert [line.offset for line in window.due(NOW, at_once=True)] == [3]


def test_message_has_the_place_as_its_key() -> None:
    message = message_of(refused(7), "/meir/vast-hub")
    assert (message.topic, message.key) == ("refused.meir.vast-hub", b"in.meir.vast-hub/0/7")
    assert RecordRefused.model_validate_json(message.value) == refused(7)
