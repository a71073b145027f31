"""Properties for any facts in any order, repeated: no message twice, none forbidden, none forgotten."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages.message import Recipient, Template
from services.notifications.messages.policy import MessagePolicy, PastMessages, after_quiet_hours
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.platform.clock import LONDON
from tests.harness.notifications.facts import NOW, FactBuilder, numbered_id
from tests.harness.notifications.message_timeline import DELAY, MessageTimeline

END = NOW + timedelta(days=40)
MINUTES = st.integers(0, 36 * 60)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """All facts about one referral: meetings, their outcomes, and retractions."""
    referral = FactBuilder()

    def said(body: Any, by: str | None = None) -> Fact:
        return referral.fact(body, by, NOW - timedelta(hours=6) + timedelta(minutes=draw(MINUTES)))

    facts = [
        said(
            referral.created(draw(st.sampled_from(v.SafeToText)), route=draw(st.sampled_from(v.Route))),
            "referral",
        )
    ]
    for number in range(draw(st.integers(0, 3))):
        starts = NOW + timedelta(minutes=draw(st.integers(-600, 20 * 24 * 60)))
        facts.append(
            said(
                referral.booked(
                    10 + number,
                    sequence=number,
                    replaces=numbered_id(9 + number) if number and draw(st.booleans()) else None,
                    link_worker=draw(st.sampled_from(["lw-meir-1", "lw-meir-2"])),
                    provisional=draw(st.booleans()),
                    starts_at=starts,
                ),
                draw(st.sampled_from(["matching", "stranger"])),
            )
        )
        if draw(st.booleans()):
            over = 10 + number
            facts.append(said(referral.cancelled(over) if draw(st.booleans()) else referral.missed(over)))
    more = [
        referral.waiting(),
        referral.prescribed(),
        referral.replied(),
        referral.closed(draw(st.sampled_from(v.CloseReason))),
        referral.erased(),
    ]
    facts += [said(body) for body in more if draw(st.integers(0, 2)) == 0]
    if draw(st.booleans()):
        gone = draw(st.sampled_from(facts))
        by = gone.source.rpartition("/")[2]
        facts.append(said(referral.retracted(gone), "matching" if by == "stranger" else by))
    return facts


@st.composite
def batches_of_facts(draw: st.DrawFn) -> list[tuple[timedelta, list[Fact]]]:
    """Facts in any order, some repeated, in batches with pauses between."""
    facts = draw(histories())
    repeated = facts + draw(st.lists(st.sampled_from(facts), max_size=4))
    order = draw(st.permutations(repeated))
    batches: list[tuple[timedelta, list[Fact]]] = []
    while order:
        size = draw(st.integers(1, len(order)))
        pause = draw(st.sampled_from([0, 1, 29, 31, 600, 4000, 30_000]))
        batches.append((timedelta(seconds=pause), list(order[:size])))
        order = order[size:]
    return batches


def received(batches: list[tuple[timedelta, list[Fact]]]) -> tuple[MessageTimeline, set[str]]:
    """A timeline after these batches, and the messages that it must have sent in the end."""
    timeline = MessageTimeline()
    for pause, facts in batches:
        timeline.run_until(timeline.now + pause)
        timeline.receive(*facts)
    last = MessagePolicy(DELAY)(timeline.view, PastMessages({}), timeline.context)
    return timeline, {due.about for due in last.tasks}


@given(batches_of_facts())
def test_messages_of_repeated_facts_are_sent_once(
    batches: list[tuple[timedelta, list[Fact]]],
) -> None:
    timeline, _ = received(batches)
    # Receiving all facts again schedules no message that is not scheduled or sent already.
    before = list(timeline.scheduled)
    everything = [fact for _, facts in batches for fact in facts]
    timeline.receive(*everything)
    assert timeline.scheduled == before
    timeline.run_until(END)
    assert [name for name, times in Counter(name for name, _ in timeline.sent).items() if times > 1] == []


@given(batches_of_facts())
def test_messages_called_for_in_the_end_are_sent(batches: list[tuple[timedelta, list[Fact]]]) -> None:
    timeline, expected = received(batches)
    timeline.run_until(END)
    assert expected <= {str(name) for name, _ in timeline.sent}


@given(batches_of_facts())
def test_messages_that_must_not_be_sent_are_not(batches: list[tuple[timedelta, list[Fact]]]) -> None:
    timeline, _ = received(batches)
    timeline.run_until(END)
    bodies = [fact.body for _, facts in batches for fact in facts]
    created = next(body for body in bodies if isinstance(body, ReferralCreated))
    starts = {body.meeting_id: body.starts_at for body in bodies if isinstance(body, MeetingBooked)}
    for name, at in timeline.sent:
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


@given(histories())
def test_replay_of_yesterday_sends_nothing(facts: list[Fact]) -> None:
    timeline = MessageTimeline(max(fact.recorded for fact in facts) + timedelta(hours=24, minutes=1))
    timeline.receive(*facts)
    timeline.run_until(END)
    assert timeline.scheduled == []


@given(st.data())
def test_messages_do_not_depend_on_batches_or_order(data: st.DataObject) -> None:
    facts = data.draw(histories())
    at_once, in_pieces = MessageTimeline(), MessageTimeline()
    at_once.receive(*facts)
    for fact in data.draw(st.permutations(facts)):
        in_pieces.receive(fact)
    at_once.run_until(END)
    in_pieces.run_until(END)
    assert {name for name, _ in at_once.sent} == {name for name, _ in in_pieces.sent}


@given(st.integers(0, 3 * 365 * 24 * 60))
def test_quiet_hours_end_at_eight_london_time_all_year(minutes: int) -> None:
    moment = NOW + timedelta(minutes=minutes)
    allowed = after_quiet_hours(moment)
    assert moment <= allowed <= moment + timedelta(hours=13)
    assert 8 <= allowed.astimezone(LONDON).hour < 20
    assert allowed == moment or allowed.astimezone(LONDON).strftime("%H:%M:%S.%f") == "08:00:00.000000"
    assert after_quiet_hours(allowed) == allowed
