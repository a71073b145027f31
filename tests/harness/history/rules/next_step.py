"""Rules of the next step: the one that was said, and the one that follows."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    CREATED,
    PARTNER,
    Rule,
    attended,
    booked,
    cancelled,
    closed,
    day,
    ended,
    fact,
    missed,
    not_started,
    on,
    outcome,
    pointer,
    prescribed,
    replied,
    visited,
    waiting,
)
from tests.harness.history.sayings import ref

MET = [CREATED, fact(101, booked(10)), fact(102, attended(10), hours=73)]
ASKED = [*MET, fact(103, prescribed(20), hours=74)]
UNMET = outcome(o.NeedUnmet, need=v.Need.DEBT, reason=next(iter(v.UnmetReason)))


def rings(days: int, code: v.NextStepCode = v.NextStepCode.RING) -> EventBody:
    """A contact after which the link worker says what is next."""
    step = o.NextStep(code=code, on=day(days))
    return outcome(o.ContactAttempted, channel=v.Channel.PHONE, reached=True, next_step=step)


def plan(*review: int) -> EventBody:
    """A plan without a service, whose actions are reviewed after so many days."""
    actions = tuple(o.Action(code=next(iter(v.ActionCode)), review_on=day(each)) for each in review)
    goal = o.Goal(goal_id=ref(31), need=v.Need.DEBT, actions=actions)
    return outcome(o.PlanAgreed, plan_id=ref(30), goals=(goal,))


def follows(code: str, days: int) -> dict[str, object]:
    """A step that follows from the history."""
    return {"next_step.holds": {"code": code, "on": on(days), "derived": True}}


def said(code: str, days: int) -> dict[str, object]:
    """A step that a fact said."""
    return {"next_step.holds": {"code": code, "on": on(days), "derived": False}}


NONE = {"next_step.holds": None}

RULES = [
    Rule("step_none", "A new referral has no next step.", [CREATED], NONE),
    Rule(
        "step_none_before_the_creation",
        "A referral that is not open has no next step.",
        [fact(101, booked(10)), fact(102, rings(5))],
        {**NONE, "next_step.said": pointer(102)},
    ),
    Rule(
        "step_none_after_an_ending",
        "An ending takes the next step away.",
        [CREATED, fact(101, rings(5)), fact(102, closed())],
        NONE,
    ),
    Rule(
        "step_said_last",
        "Of several steps, the one of the highest id is said last, whatever the priorities.",
        [CREATED, fact(101, rings(5)), fact(102, rings(9), PARTNER)],
        {"next_step.said": pointer(102, PARTNER), **said("ring", 9)},
    ),
    Rule(
        "step_of_any_outcome",
        "Any outcome may say the next step.",
        [
            CREATED,
            fact(
                101,
                outcome(
                    o.LinkWorkerChanged,
                    link_worker="lw-meir-2",
                    next_step=o.NextStep(code=v.NextStepCode.RING, on=day(4)),
                ),
            ),
        ],
        said("ring", 4),
    ),
    Rule(
        "step_said_stands",
        "A step that was said stands until something newer happens.",
        [*MET, fact(103, rings(9))],
        said("ring", 9),
    ),
    Rule(
        "step_overtaken",
        "A step that was said gives way to one that follows, once something newer happens.",
        [CREATED, fact(101, rings(9)), fact(102, booked(10))],
        follows("meet", 3),
    ),
    Rule(
        "step_overtaken_by_nothing_that_follows",
        "A step that was said stands if nothing follows from what is newer.",
        [CREATED, fact(101, booked(10)), fact(102, rings(9)), fact(103, cancelled(10))],
        said("ring", 9),
    ),
    Rule(
        "step_meet",
        "With an active meeting, the step is the meeting.",
        [CREATED, fact(101, booked(10))],
        follows("meet", 3),
    ),
    Rule(
        "step_wait_for_slot",
        "Without a slot, the step is to wait for one until the promised day.",
        [CREATED, fact(101, waiting())],
        follows("wait_for_slot", 10),
    ),
    Rule(
        "step_ring_who_was_not_reached",
        "If the person was not reached, the step is to ring them on the promised day.",
        [CREATED, fact(101, waiting(v.WaitingReason.PERSON_NOT_REACHED))],
        follows("ring", 10),
    ),
    Rule(
        "step_ring_after_a_missed_meeting",
        "After a missed meeting, the step is to ring 2 days after that was recorded.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10), hours=73)],
        follows("ring", 5),
    ),
    Rule(
        "step_review_after_the_meeting",
        "After a meeting without a plan, the step is a review 2 days after the meeting.",
        MET,
        follows("review", 5),
    ),
    Rule(
        "step_review_of_the_plan",
        "Of a plan without services, the step is the earliest review of its actions.",
        [*MET, fact(103, plan(30, 20))],
        follows("review", 20),
    ),
    Rule(
        "step_wait_for_service",
        "A service that was asked is expected to reply within 7 days.",
        ASKED,
        follows("wait_for_service", 10),
    ),
    Rule(
        "step_check_first_visit",
        "14 days after a service accepted, the first visit is checked.",
        [*ASKED, fact(104, replied(20), hours=96)],
        follows("check_first_visit", 18),
    ),
    Rule(
        "step_check_first_visit_of_a_signposted_service",
        "14 days after a signposting, the first visit is checked.",
        [*MET, fact(103, prescribed(20, signposted=True), hours=96)],
        follows("check_first_visit", 18),
    ),
    Rule(
        "step_waiting_list",
        "On a waiting list, the step is to wait for so many weeks.",
        [*ASKED, fact(104, replied(20, v.Reply.WAITING_LIST, weeks=2), hours=96)],
        follows("wait_for_service", 18),
    ),
    Rule(
        "step_waiting_list_of_unknown_length",
        "On a waiting list of unknown length, the step is to wait for 4 weeks.",
        [*ASKED, fact(104, replied(20, v.Reply.WAITING_LIST), hours=96)],
        follows("wait_for_service", 32),
    ),
    Rule(
        "step_review_a_full_service",
        "2 days after a service was full or not suitable, the plan is reviewed.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL), hours=96)],
        follows("review", 6),
    ),
    Rule(
        "step_ring_who_did_not_start",
        "2 days after an activity did not start, the link worker rings.",
        [*ASKED, fact(104, not_started(20), hours=96)],
        follows("ring", 6),
    ),
    Rule(
        "step_review_after_the_first_visit",
        "84 days after the first visit, the plan is reviewed.",
        [*ASKED, fact(104, visited(20, 5))],
        follows("review", 89),
    ),
    Rule(
        "step_is_the_earliest",
        "Of several services, the earliest step is the next.",
        [*ASKED, fact(104, visited(20, 5)), fact(105, prescribed(21), hours=96)],
        follows("wait_for_service", 11),
    ),
    Rule(
        "step_settled_by_another_service",
        "A full service gives no step once another for its need has a newer id.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL)), fact(105, prescribed(21), hours=96)],
        follows("wait_for_service", 11),
    ),
    Rule(
        "step_plan_over_by_an_unmet_need",
        "If nothing of the plan goes on, the step is a review 2 days after its last fact.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL)), fact(105, UNMET, hours=120)],
        follows("review", 7),
    ),
    Rule(
        "step_plan_over_by_an_end",
        "An ended activity gives no step of its own.",
        [*ASKED, fact(104, visited(20, 5)), fact(105, ended(20), hours=24 * 40)],
        follows("review", 42),
    ),
]
