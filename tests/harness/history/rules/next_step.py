"""Rules of the next step: the one that was said, and the one that follows."""

from datetime import timedelta

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
    fact,
    missed,
    on,
    outcome,
    pointer,
    prescribed,
    visited,
    waiting,
)
from tests.harness.history.sayings import START, ref

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
    Rule("F71", "step_none", "A new referral has no next step.", [CREATED], NONE),
    Rule(
        "F71",
        "step_none_before_the_creation",
        "A referral that is not open has no next step.",
        [fact(101, booked(10)), fact(102, rings(5))],
        {**NONE, "next_step.said": pointer(102)},
    ),
    Rule(
        "F71",
        "step_none_after_an_ending",
        "An ending takes the next step away.",
        [CREATED, fact(101, rings(5)), fact(102, closed())],
        NONE,
    ),
    Rule(
        "F70",
        "step_said_last",
        "Of several steps, the one of the highest id is said last, whatever the priorities.",
        [CREATED, fact(101, rings(5)), fact(102, rings(9), PARTNER)],
        {"next_step.said": pointer(102, PARTNER), **said("ring", 9)},
    ),
    Rule(
        "F70",
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
        "F71",
        "step_said_stands",
        "A step that was said stands until something newer happens.",
        [*MET, fact(103, rings(9))],
        said("ring", 9),
    ),
    Rule(
        "F71",
        "step_overtaken",
        "A step that was said gives way to one that follows, once something newer happens.",
        [CREATED, fact(101, rings(9)), fact(102, booked(10))],
        follows("meet", 3),
    ),
    Rule(
        "F71",
        "step_overtaken_by_nothing_that_follows",
        "A step that was said stands if nothing follows from what is newer.",
        [CREATED, fact(101, booked(10)), fact(102, rings(9)), fact(103, cancelled(10))],
        said("ring", 9),
    ),
    Rule(
        "F72",
        "step_meet",
        "With an active meeting, the step is the meeting.",
        [CREATED, fact(101, booked(10))],
        follows("meet", 3),
    ),
    Rule(
        "F72",
        "step_wait_for_slot",
        "Without a slot, the step is to wait for one until the promised day.",
        [CREATED, fact(101, waiting())],
        follows("wait_for_slot", 10),
    ),
    Rule(
        "F72",
        "step_ring_who_was_not_reached",
        "If the person was not reached, the step is to ring them on the promised day.",
        [CREATED, fact(101, waiting(v.WaitingReason.PERSON_NOT_REACHED))],
        follows("ring", 10),
    ),
    Rule(
        "F72",
        "step_ring_after_a_missed_meeting",
        "After a missed meeting, the step is to ring 2 days after that was recorded.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10), hours=73)],
        follows("ring", 5),
    ),
    Rule(
        "F73",
        "step_review_after_the_meeting",
        "After a meeting without a plan, the step is a review 2 days after the meeting.",
        MET,
        follows("review", 5),
    ),
    Rule(
        "F73",
        "step_review_of_the_plan",
        "Of a plan without services, the step is the earliest review of its actions.",
        [*MET, fact(103, plan(30, 20))],
        follows("review", 20),
    ),
    Rule(
        "F73",
        "step_is_the_earliest",
        "Of several services, the earliest step is the next.",
        [*ASKED, fact(104, visited(20, 5)), fact(105, prescribed(21), hours=96)],
        follows("wait_for_service", 11),
    ),
    Rule(
        "F72",
        "step_wait_for_slot_beside_a_miss",
        "A reason to wait comes before a miss, and before the services of a plan.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, missed(10), hours=73),
            fact(103, waiting()),
            fact(104, prescribed(20)),
        ],
        follows("wait_for_slot", 10),
    ),
    Rule(
        "F72",
        "step_ring_after_a_miss_beside_not_reached",
        "That the person was not reached comes after a miss.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, missed(10), hours=73),
            fact(103, waiting(v.WaitingReason.PERSON_NOT_REACHED)),
        ],
        follows("ring", 5),
    ),
    Rule(
        "F34 F72",
        "step_ring_after_the_last_of_two_misses",
        "Of two missed meetings the last in their order counts, not the one recorded last.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1)),
            fact(103, missed(11), hours=96),
            fact(104, missed(10), hours=240),
        ],
        follows("ring", 6),
    ),
    Rule(
        "F72",
        "step_meet_beside_everything_else",
        "An active meeting comes first.",
        [*ASKED, fact(104, waiting()), fact(105, booked(11, 1))],
        follows("meet", 3),
    ),
    Rule(
        "F72 F73",
        "step_of_a_met_person_does_not_wait",
        "Once a meeting was attended, misses and reasons to wait give no step.",
        [*MET, fact(103, booked(11, 1)), fact(104, missed(11)), fact(105, waiting())],
        follows("review", 5),
    ),
    Rule(
        "F73",
        "step_of_a_service_without_a_meeting",
        "A service gives its step also if nobody was met.",
        [CREATED, fact(101, prescribed(20))],
        follows("wait_for_service", 7),
    ),
    Rule(
        "F73",
        "step_after_the_last_attended_meeting",
        "The review counts from the last attended meeting in their order.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1, starts_at=START + timedelta(days=1))),
            fact(103, attended(10), hours=73),
            fact(104, attended(11), hours=25),
        ],
        follows("review", 3),
    ),
    Rule(
        "F73",
        "step_of_one_day_is_the_first_prescriptions",
        "Of steps of one day, the first prescription's is the next.",
        [*MET, fact(103, prescribed(20), hours=24 * 7), fact(104, prescribed(21, signposted=True))],
        follows("wait_for_service", 14),
    ),
    Rule(
        "F73",
        "step_none_of_a_plan_without_a_review",
        "A plan with neither service nor review gives no step.",
        [*MET, fact(103, plan())],
        NONE,
    ),
]
