"""Any facts in any order, again and again: each message once, none that must not be, none forgotten."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages.message import Recipient, Template
from services.notifications.messages.policy import Asking, Told, after_quiet_hours
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.platform.clock import LONDON
from tests.harness.notifications.desk import SETTLE, Desk
from tests.harness.notifications.telling import NOW, Teller, ref

END = NOW + timedelta(days=40)
MINUTES = st.integers(0, 36 * 60)


@st.composite
def stories(draw: st.DrawFn) -> list[Fact]:
    """Everything said about one referral: any meetings, what became of them, and what was taken back."""
    say = Teller()

    def said(body: Any, by: str = "matching") -> Fact:
        return say.fact(body, by, NOW - timedelta(hours=6) + timedelta(minutes=draw(MINUTES)))

    facts = [
        said(
            say.created(draw(st.sampled_from(v.SafeToText)), route=draw(st.sampled_from(v.Route))), "referral"
        )
    ]
    for number in range(draw(st.integers(0, 3))):
        starts = NOW + timedelta(minutes=draw(st.integers(-600, 20 * 24 * 60)))
        facts.append(
            said(
                say.booked(
                    10 + number,
                    sequence=number,
                    replaces=ref(9 + number) if number and draw(st.booleans()) else None,
                    link_worker=draw(st.sampled_from(["lw-meir-1", "lw-meir-2"])),
                    provisional=draw(st.booleans()),
                    starts_at=starts,
                ),
                draw(st.sampled_from(["matching", "stranger"])),
            )
        )
        if draw(st.booleans()):
            over = 10 + number
            facts.append(said(say.cancelled(over) if draw(st.booleans()) else say.missed(over)))
    more = [
        say.waiting(),
        say.prescribed(),
        say.replied(),
        say.closed(draw(st.sampled_from(v.CloseReason))),
        say.erased(),
    ]
    facts += [said(body) for body in more if draw(st.integers(0, 2)) == 0]
    if draw(st.booleans()):
        facts.append(said(say.retracted(draw(st.sampled_from(facts)))))
    return facts


@st.composite
def hearings(draw: st.DrawFn) -> list[tuple[timedelta, list[Fact]]]:
    """Those facts in any order, some again, in batches with pauses between."""
    facts = draw(stories())
    repeated = facts + draw(st.lists(st.sampled_from(facts), max_size=4))
    order = draw(st.permutations(repeated))
    batches: list[tuple[timedelta, list[Fact]]] = []
    while order:
        size = draw(st.integers(1, len(order)))
        pause = draw(st.sampled_from([0, 1, 29, 31, 600, 4000, 30_000]))
        batches.append((timedelta(seconds=pause), list(order[:size])))
        order = order[size:]
    return batches


def heard(batches: list[tuple[timedelta, list[Fact]]]) -> tuple[Desk, set[str]]:
    """A desk that has heard them, and what it must have told in the end if nothing more is said."""
    desk = Desk()
    for pause, facts in batches:
        desk.until(desk.now + pause)
        desk.hear(*facts)
    last = Asking(SETTLE)(desk.view, Told({}), desk.context)
    return desk, {due.about for due in last.tasks}


@given(hearings())
def test_each_message_is_asked_for_and_sent_once_whatever_is_heard_again(
    batches: list[tuple[timedelta, list[Fact]]],
) -> None:
    desk, _ = heard(batches)
    # At rest: all of it again calls for nothing that is not under way or done already.
    before = list(desk.asked)
    everything = [fact for _, facts in batches for fact in facts]
    desk.hear(*everything)
    assert desk.asked == before
    desk.until(END)
    assert [name for name, times in Counter(name for name, _ in desk.sent).items() if times > 1] == []


@given(hearings())
def test_what_the_story_calls_for_in_the_end_is_told(batches: list[tuple[timedelta, list[Fact]]]) -> None:
    desk, expected = heard(batches)
    desk.until(END)
    assert expected <= {str(name) for name, _ in desk.sent}


@given(hearings())
def test_nothing_is_sent_that_must_not_be(batches: list[tuple[timedelta, list[Fact]]]) -> None:
    desk, _ = heard(batches)
    desk.until(END)
    bodies = [fact.body for _, facts in batches for fact in facts]
    created = next(body for body in bodies if isinstance(body, ReferralCreated))
    starts = {body.meeting_id: body.starts_at for body in bodies if isinstance(body, MeetingBooked)}
    for name, at in desk.sent:
        if name.recipient is Recipient.PERSON:
            assert created.contact is v.SafeToText.YES
            assert 8 <= at.astimezone(LONDON).hour < 20
        if name.about in starts:
            assert at <= starts[name.about]
        if name.template is Template.REMINDER:
            assert at.astimezone(LONDON).hour >= 10
            assert at.astimezone(LONDON).date() == starts[name.about].astimezone(LONDON).date() - timedelta(
                days=1
            )


@given(stories())
def test_a_replay_of_yesterday_writes_to_nobody(facts: list[Fact]) -> None:
    desk = Desk(max(fact.recorded for fact in facts) + timedelta(hours=24, minutes=1))
    desk.hear(*facts)
    desk.until(END)
    assert desk.asked == []


@given(st.data())
def test_however_a_batch_is_cut_and_ordered_the_same_is_told(data: st.DataObject) -> None:
    facts = data.draw(stories())
    at_once, in_pieces = Desk(), Desk()
    at_once.hear(*facts)
    for fact in data.draw(st.permutations(facts)):
        in_pieces.hear(fact)
    at_once.until(END)
    in_pieces.until(END)
    assert {name for name, _ in at_once.sent} == {name for name, _ in in_pieces.sent}


@given(st.integers(0, 3 * 365 * 24 * 60))
def test_quiet_hours_end_at_eight_by_the_london_clock_all_year(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    allowed = after_quiet_hours(moment)
    assert moment <= allowed <= moment + timedelta(hours=13)
    assert 8 <= allowed.astimezone(LONDON).hour < 20
    assert allowed == moment or allowed.astimezone(LONDON).strftime("%H:%M:%S.%f") == "08:00:00.000000"
    assert after_quiet_hours(allowed) == allowed
