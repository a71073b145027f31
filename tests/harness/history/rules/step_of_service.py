"""Rules of the next step with the services of a plan, until nothing of it goes on."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.history.rules.next_step import ASKED, MET, UNMET, follows
from tests.harness.history.rules.rule import (
    PARTNER,
    Rule,
    ended,
    fact,
    not_started,
    outcome,
    prescribed,
    replied,
    visited,
)

NOT_THAT = outcome(o.NeedUnmet, need=v.Need.CRAFT, reason=next(iter(v.UnmetReason)))

RULES = [
    Rule(
        "F74",
        "step_wait_for_service",
        "A service that was asked is expected to reply within 7 days.",
        ASKED,
        follows("wait_for_service", 10),
    ),
    Rule(
        "F74",
        "step_check_first_visit",
        "14 days after a service accepted, the first visit is checked.",
        [*ASKED, fact(104, replied(20), hours=96)],
        follows("check_first_visit", 18),
    ),
    Rule(
        "F74",
        "step_check_first_visit_of_a_signposted_service",
        "14 days after a signposting, the first visit is checked.",
        [*MET, fact(103, prescribed(20, signposted=True), hours=96)],
        follows("check_first_visit", 18),
    ),
    Rule(
        "F74",
        "step_waiting_list",
        "On a waiting list, the step is to wait for so many weeks.",
        [*ASKED, fact(104, replied(20, v.Reply.WAITING_LIST, weeks=2), hours=96)],
        follows("wait_for_service", 18),
    ),
    Rule(
        "F74",
        "step_waiting_list_of_unknown_length",
        "On a waiting list of unknown length, the step is to wait for 4 weeks.",
        [*ASKED, fact(104, replied(20, v.Reply.WAITING_LIST), hours=96)],
        follows("wait_for_service", 32),
    ),
    Rule(
        "F74",
        "step_review_a_full_service",
        "2 days after a service was full or not suitable, the plan is reviewed.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL), hours=96)],
        follows("review", 6),
    ),
    Rule(
        "F74",
        "step_ring_who_did_not_start",
        "2 days after an activity did not start, the link worker rings.",
        [*ASKED, fact(104, not_started(20), hours=96)],
        follows("ring", 6),
    ),
    Rule(
        "F74",
        "step_review_after_the_first_visit",
        "84 days after the first visit, the plan is reviewed.",
        [*ASKED, fact(104, visited(20, 5))],
        follows("review", 89),
    ),
    Rule(
        "F75",
        "step_settled_by_another_service",
        "A full service gives no step once another for its need has a newer id.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL)), fact(105, prescribed(21), hours=96)],
        follows("wait_for_service", 11),
    ),
    Rule(
        "F76",
        "step_plan_over_by_an_unmet_need",
        "If nothing of the plan goes on, the step is a review 2 days after its last fact.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL)), fact(105, UNMET, hours=120)],
        follows("review", 7),
    ),
    Rule(
        "F75 F76",
        "step_plan_over_by_an_end",
        "An ended activity gives no step of its own.",
        [*ASKED, fact(104, visited(20, 5)), fact(105, ended(20), hours=24 * 40)],
        follows("review", 42),
    ),
    Rule(
        "F74",
        "step_review_an_unsuitable_service",
        "2 days after a service was not suitable, the plan is reviewed.",
        [*ASKED, fact(104, replied(20, v.Reply.NOT_SUITABLE, reason=v.NotSuitableReason.AGE), hours=96)],
        follows("review", 6),
    ),
    Rule(
        "F75",
        "step_not_settled_by_an_older_service",
        "An older prescription for the need settles nothing.",
        [*ASKED, fact(104, prescribed(21), hours=96), fact(105, replied(20, v.Reply.FULL), hours=96)],
        follows("review", 6),
    ),
    Rule(
        "F75",
        "step_not_settled_by_another_need",
        "What is done about another need settles nothing.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL), hours=96), fact(105, NOT_THAT, hours=240)],
        follows("review", 6),
    ),
    Rule(
        "F75",
        "step_not_settled_by_an_equal_id",
        "Only a higher id settles.",
        [*ASKED, fact(104, replied(20, v.Reply.FULL), hours=96), fact(104, UNMET, PARTNER, hours=240)],
        follows("review", 6),
    ),
    Rule(
        "F75 F76",
        "step_not_started_is_settled_by_an_unmet_need",
        "A service that did not start is settled by a need noted as unmet.",
        [*ASKED, fact(104, not_started(20), hours=96), fact(105, UNMET, hours=120)],
        follows("review", 7),
    ),
    Rule(
        "F76",
        "step_plan_over_counts_every_unmet_need",
        "The fact that ended the plan may be an unmet need of another kind.",
        [*ASKED, fact(104, ended(20), hours=96), fact(105, NOT_THAT, hours=240)],
        follows("review", 12),
    ),
    Rule(
        "F76",
        "step_plan_over_by_its_last_prescription",
        "Of several settled services the latest fact ended the plan.",
        [
            *ASKED,
            fact(104, prescribed(21), hours=75),
            fact(105, ended(21), hours=240),
            fact(106, ended(20), hours=96),
        ],
        follows("review", 6),
    ),
]
