"""Next steps and what needs the link worker: from facts, without a clock."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.matching.calendar import day_start
from services.matching.referral_state.attention import NeedsYou, Reason
from services.matching.referral_state.state import ReferralState, fold, to_document
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.outcomes import NextStep
from shared.contract.history.next_step import Step
from shared.delivery.model.facts import ReceivedEvent
from tests.harness.matching.decision_harness import LOCALITY, NOW, PRACTICE, SOURCES, DecisionHarness, created

OF = "00000000-0000-7000-8000-00000000000a"
MEETING = "00000000-0000-7000-8000-00000000000b"
PLAN = "00000000-0000-7000-8000-00000000000c"
FIRST, SECOND = "00000000-0000-7000-8000-000000000011", "00000000-0000-7000-8000-000000000012"
SERVICE = "00000000-0000-7000-8000-0000000000ff"
DAY = timedelta(days=1)


class Telling:
    """Facts in the order in which they happen, a day apart unless said."""

    def __init__(self, **traits: object) -> None:
        self.world = DecisionHarness()
        self.facts: list[Fact] = []
        self.at(0, created(OF, **traits), by="referral")  # type: ignore[arg-type]  # traits of `created`

    def at(self, day: float, *bodies: EventBody, by: str = "matching") -> "Telling":
        for body in bodies:
            event = self.world.envelope(body, by, NOW + day * DAY)
            self.facts.append(ReceivedEvent.of(event).fact)
        return self

    def met(self) -> "Telling":
        self.at(0, booked())
        return self.at(1, o.MeetingAttended(referral_id=OF, locality=LOCALITY, meeting_id=MEETING))

    @property
    def view(self) -> ReferralState:
        return fold(self.facts, SOURCES)

    def reasons(self, day: float) -> list[tuple[NeedsYou, datetime]]:
        """Reasons for which the case needs its link worker on that day."""
        now = NOW + day * DAY
        return [(each.reason, each.since) for each in self.view.reasons if each.since <= now]


def booked(provisional: bool = True) -> MeetingBooked:
    return MeetingBooked(
        referral_id=OF,
        locality=LOCALITY,
        meeting_id=MEETING,
        sequence=0,
        link_worker="lw-meir-1",
        practice=PRACTICE,
        starts_at=NOW + DAY,
        minutes=45,
        provisional=provisional,
    )


def prescribed(
    of: str = FIRST, need: v.Need = v.Need.DEBT, step: NextStep | None = None
) -> o.ServicePrescribed:
    return o.ServicePrescribed(
        referral_id=OF, locality=LOCALITY, prescription_id=of, service_id=SERVICE, need=need, next_step=step
    )


def replied(
    reply: v.Reply, weeks: int | None = None, reason: v.NotSuitableReason | None = None
) -> o.ProviderReplied:
    return o.ProviderReplied(
        referral_id=OF, locality=LOCALITY, prescription_id=FIRST, reply=reply, weeks=weeks, reason=reason
    )


def step_on(telling: Telling) -> tuple[str, date, bool]:
    step = telling.view.step
    assert isinstance(step, Step)
    return step.code.value, step.on, step.derived


def day(n: int) -> date:
    return (NOW + n * DAY).date()


def test_the_next_step_follows_the_case() -> None:
    telling = Telling().at(0, booked())
    assert step_on(telling) == ("meet", day(1), True)
    telling = Telling().met()
    assert step_on(telling) == ("review", day(3), True)  # the meeting has to be written down
    telling.at(1, prescribed())
    assert step_on(telling) == ("wait_for_service", day(8), True)
    telling.at(3, replied(v.Reply.ACCEPTED))
    assert step_on(telling) == ("check_first_visit", day(17), True)
    telling.at(10, o.ActivityStarted(referral_id=OF, locality=LOCALITY, prescription_id=FIRST, on=day(10)))
    assert step_on(telling) == ("review", day(94), True)


def test_waiting_is_a_next_step_with_its_promised_day() -> None:
    telling = Telling().at(
        0,
        o.MeetingWaiting(
            referral_id=OF, locality=LOCALITY, reason=v.WaitingReason.NO_SLOT, expected_by=day(14)
        ),
    )
    assert step_on(telling) == ("wait_for_slot", day(14), True)
    assert telling.reasons(14) == []
    assert telling.reasons(16) == [(NeedsYou.NO_MEETING, day_start(day(15)))]


def test_what_was_said_stands_until_something_happens() -> None:
    said = NextStep(code=v.NextStepCode.GO_ALONG, on=day(5))
    telling = Telling().met().at(1, prescribed(step=said))
    assert step_on(telling) == ("go_along", day(5), False)
    telling.at(2, replied(v.Reply.FULL))
    assert step_on(telling) == ("review", day(4), True)


def test_a_plan_with_nothing_to_follow_has_no_next_step() -> None:
    plan = o.PlanAgreed(referral_id=OF, locality=LOCALITY, plan_id=PLAN)
    telling = Telling().met().at(1, plan)
    assert telling.view.step is None
    assert [reason for reason, _ in telling.reasons(1)] == [NeedsYou.NO_NEXT_STEP]
    reviewed = o.Goal(
        goal_id=FIRST,
        need=v.Need.DEBT,
        actions=(o.Action(code=v.ActionCode.GATHER_PAPERS, review_on=day(9)),),
    )
    telling = Telling().met().at(1, plan.model_copy(update={"goals": (reviewed,)}))
    assert step_on(telling) == ("review", day(9), True)
    assert telling.reasons(8) == []
    assert [reason for reason, _ in telling.reasons(9)] == [NeedsYou.REVIEW_DUE]


def test_plan_without_open_service_is_to_be_reviewed() -> None:
    said = NextStep(code=v.NextStepCode.RING, on=day(12))
    telling = Telling().met().at(1, prescribed(step=said))
    telling.at(10, o.ActivityStarted(referral_id=OF, locality=LOCALITY, prescription_id=FIRST, on=day(10)))
    ring = o.ContactAttempted(
        referral_id=OF, locality=LOCALITY, channel=v.Channel.PHONE, reached=True, next_step=said
    )
    telling.at(11, ring)
    end = o.ActivityEnded(
        referral_id=OF, locality=LOCALITY, prescription_id=FIRST, reason=v.EndReason.COMPLETED
    )
    telling.at(30, end)
    assert step_on(telling) == ("review", day(32), True)  # not the call that was overdue
    assert [reason for reason, _ in telling.reasons(32)] == [NeedsYou.REVIEW_DUE]
    later = NextStep(code=v.NextStepCode.RING, on=day(40))
    assert step_on(telling.at(33, ring.model_copy(update={"next_step": later}))) == ("ring", day(40), False)


def test_an_end_leaves_the_next_step_while_something_goes_on() -> None:
    said = NextStep(code=v.NextStepCode.GO_ALONG, on=day(20))
    telling = Telling().met().at(1, prescribed())
    telling.at(2, prescribed(SECOND, v.Need.CRAFT, step=said))
    telling.at(
        3,
        o.ActivityEnded(referral_id=OF, locality=LOCALITY, prescription_id=FIRST, reason=v.EndReason.OTHER),
    )
    assert step_on(telling) == ("go_along", day(20), False)


def test_a_no_that_was_settled_is_no_next_step_any_more() -> None:
    telling = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.FULL)).at(3, prescribed(SECOND))
    telling.at(9, replied(v.Reply.ACCEPTED).model_copy(update={"prescription_id": SECOND}))
    assert step_on(telling) == ("check_first_visit", day(23), True)
    unmet = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.FULL))
    unmet.at(3, o.NeedUnmet(referral_id=OF, locality=LOCALITY, need=v.Need.DEBT, reason=v.UnmetReason.FULL))
    assert step_on(unmet) == ("review", day(5), True)


def test_provisional_meeting_without_texts_asks_for_a_call() -> None:
    telling = Telling(contact=v.SafeToText.RING).at(0, booked())
    assert telling.reasons(0) == [(NeedsYou.RING, NOW)]
    rang = o.ContactAttempted(referral_id=OF, locality=LOCALITY, channel=v.Channel.PHONE, reached=False)
    assert telling.at(0.1, rang).reasons(0.2) == [(NeedsYou.RING, NOW)]
    assert telling.at(0.2, rang.model_copy(update={"reached": True})).reasons(0.2) == []
    agreed_at_the_desk = Telling(contact=v.SafeToText.NOT_KNOWN).at(0, booked(provisional=False))
    assert agreed_at_the_desk.reasons(0) == []


def test_a_meeting_that_is_over_is_to_be_recorded() -> None:
    over = NOW + DAY + timedelta(minutes=45)
    assert Telling().at(0, booked()).reasons(2) == [(NeedsYou.NOT_RECORDED, over)]


def test_silent_service_at_7_days_or_no_visit_at_14_needs_you() -> None:
    telling = Telling().met().at(1, prescribed())
    assert telling.reasons(7.9) == []
    assert telling.reasons(8) == [(NeedsYou.SERVICE_SILENT, NOW + 8 * DAY)]
    telling.at(9, replied(v.Reply.ACCEPTED))
    assert telling.reasons(14.9) == []
    assert telling.reasons(15) == [(NeedsYou.NO_FIRST_VISIT, NOW + 15 * DAY)]


def test_a_waiting_list_is_asked_about_when_its_weeks_are_over() -> None:
    telling = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.WAITING_LIST, weeks=6))
    assert telling.reasons(43) == []
    assert telling.reasons(44) == [(NeedsYou.NO_FIRST_VISIT, NOW + 44 * DAY)]


def test_a_waiting_list_of_unknown_length_is_asked_about() -> None:
    telling = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.WAITING_LIST))
    assert telling.reasons(29) == []
    assert telling.reasons(30) == [(NeedsYou.NO_FIRST_VISIT, NOW + 30 * DAY)]


def test_refusal_is_settled_by_other_service_or_unmet_need() -> None:
    telling = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.FULL))
    assert telling.reasons(2) == [(NeedsYou.SERVICE_SAID_NO, NOW + 2 * DAY)]
    other_need = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.FULL))
    other_need.at(3, prescribed(SECOND, v.Need.CRAFT))
    assert NeedsYou.SERVICE_SAID_NO in [reason for reason, _ in other_need.reasons(3)]
    assert telling.at(3, prescribed(SECOND)).reasons(3) == []
    unmet = Telling().met().at(1, prescribed()).at(2, replied(v.Reply.FULL))
    unmet.at(3, o.NeedUnmet(referral_id=OF, locality=LOCALITY, need=v.Need.DEBT, reason=v.UnmetReason.FULL))
    assert unmet.reasons(3) == []


def test_what_stopped_a_first_visit_is_asked_about() -> None:
    telling = Telling().met().at(1, prescribed())
    stopped = o.ActivityNotStarted(
        referral_id=OF, locality=LOCALITY, prescription_id=FIRST, barrier=v.Barrier.TRANSPORT
    )
    telling.at(4, stopped)
    assert telling.reasons(4) == [(NeedsYou.DID_NOT_START, NOW + 4 * DAY)]
    step = NextStep(code=v.NextStepCode.GO_ALONG, on=day(8))
    telling.at(
        5,
        o.ContactAttempted(
            referral_id=OF, locality=LOCALITY, channel=v.Channel.PHONE, reached=True, next_step=step
        ),
    )
    assert telling.reasons(7) == []  # the link worker is on to it
    assert [reason for reason, _ in telling.reasons(9)] == [NeedsYou.DID_NOT_START, NeedsYou.STEP_OVERDUE]


def handed(to: str = "lw-meir-2", step: NextStep | None = None) -> o.LinkWorkerChanged:
    return o.LinkWorkerChanged(referral_id=OF, locality=LOCALITY, link_worker=to, next_step=step)


def test_handover_is_shown_until_the_link_worker_begins() -> None:
    rang = o.ContactAttempted(referral_id=OF, locality=LOCALITY, channel=v.Channel.PHONE, reached=False)
    plan = o.PlanAgreed(referral_id=OF, locality=LOCALITY, plan_id=PLAN)
    said = NextStep(code=v.NextStepCode.RING, on=day(9))
    for begun in (rang, plan, handed(step=said), prescribed()):
        telling = Telling().at(0, booked()).at(0.1, rang).at(0.5, handed())
        assert telling.reasons(0.9) == [(NeedsYou.HANDED_OVER, NOW + DAY / 2)]
        telling.at(0.6, begun)
        assert NeedsYou.HANDED_OVER not in [reason for reason, _ in telling.reasons(0.9)]
        telling.at(0.7, handed("lw-meir-3"))
        assert (NeedsYou.HANDED_OVER, NOW + 0.7 * DAY) in telling.reasons(0.9)


def test_service_reply_does_not_end_a_handover() -> None:
    telling = Telling().met().at(1, prescribed()).at(2, handed()).at(3, replied(v.Reply.ACCEPTED))
    assert telling.reasons(3) == [(NeedsYou.HANDED_OVER, NOW + 2 * DAY)]


def test_who_says_a_next_step_themselves_was_handed_nothing() -> None:
    said = NextStep(code=v.NextStepCode.RING, on=day(9))
    assert Telling().at(0, handed("lw-meir-1", said)).reasons(1) == []


def test_what_has_ended_needs_nobody() -> None:
    telling = Telling().met().at(1, prescribed())
    telling.at(2, o.ReferralClosed(referral_id=OF, locality=LOCALITY, reason=v.CloseReason.COMPLETED))
    assert telling.view.reasons == ()
    assert telling.view.step is None


@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_order_of_arrival_and_repetition_do_not_matter(order: list[int], again: int) -> None:
    telling = Telling(contact=v.SafeToText.RING).met()
    step = NextStep(code=v.NextStepCode.RING, on=day(9))
    telling.at(1, prescribed(step=step)).at(2, replied(v.Reply.NOT_SUITABLE, reason=v.NotSuitableReason.AGE))
    telling.at(3, o.ReferralClosed(referral_id=OF, locality=LOCALITY, reason=v.CloseReason.OTHER))
    facts = telling.facts
    assert len(facts) == 6
    shuffled = [facts[n] for n in order]
    unique = {fact.key: fact for fact in [*shuffled, facts[again]]}
    told = fold(list(unique.values()), SOURCES)
    assert to_document(told) == to_document(telling.view)
    assert all(isinstance(reason, Reason) for reason in told.reasons)
