"""What is put off is put off for as long as was meant, whatever becomes of the clock meanwhile."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.due_rows import put_off
from shared.delivery.kernel import Kernel
from shared.delivery.round import DUE
from shared.steady import BELIEVED_AFTER_SECONDS, JUMP, Steady
from tests.delivery.toy import NOW, TOY, Bench


class Time:
    """Seconds that go by, and a clock that may be wrong."""

    def __init__(self) -> None:
        self.gone = 0.0
        self.wrong_by = timedelta()

    def seconds(self) -> float:
        return self.gone

    @property
    def right(self) -> datetime:
        return NOW + timedelta(seconds=self.gone)

    def clock(self) -> datetime:
        return self.right + self.wrong_by


jumps = st.timedeltas(-timedelta(days=2), timedelta(days=2)).filter(lambda jump: abs(jump) >= JUMP)


@given(jumps, st.lists(st.floats(0.01, 20), max_size=20))
def test_a_jump_is_followed_once_it_has_lasted(jump: timedelta, pauses: list[float]) -> None:
    time = Time()
    steady = Steady(time.clock, time.seconds)
    time.wrong_by = jump
    first = None
    for pause in [1.0, *pauses]:
        time.gone += pause
        told = steady()
        first = time.gone if first is None else first
        lasted = time.gone - first >= BELIEVED_AFTER_SECONDS
        assert abs(told - (time.clock() if lasted else time.right)) < timedelta(milliseconds=1)


@given(jumps, st.floats(0, BELIEVED_AFTER_SECONDS - 1), st.floats(0, 1000))
def test_a_jump_that_is_over_leaves_nothing_behind(jump: timedelta, lasts: float, later: float) -> None:
    time = Time()
    steady = Steady(time.clock, time.seconds)
    time.wrong_by = jump
    steady()
    time.gone += lasts
    assert abs(steady() - time.right) < timedelta(milliseconds=1)
    time.wrong_by = timedelta()
    time.gone += later
    assert steady() == time.clock()


async def test_a_clock_that_jumps_ahead_puts_nothing_off_for_as_long(place: Bench) -> None:
    wrong_by = timedelta()
    kernel = Kernel(TOY, place.options, [place.locality], lambda: NOW + wrong_by)
    await kernel.mongo[DUE].insert_one(row := {"_id": "a row", "what": "anything", "at": NOW, "attempt": 0})
    wrong_by = timedelta(hours=1)
    await put_off(kernel._worker, row, "not_now")
    kept = await kernel.mongo[DUE].find_one({"_id": "a row"})
    await kernel.mongo.close()
    assert kept is not None
    assert NOW < kept["at"] < NOW + timedelta(minutes=1)
