"""Rules of the stage."""

from shared.contract.events import outcomes as o
from tests.harness.history.rules.rule import (
    CREATED,
    REFERRER,
    Rule,
    attended,
    booked,
    cancelled,
    closed,
    ended,
    fact,
    missed,
    outcome,
    prescribed,
    reopened,
    visited,
    waiting,
)
from tests.harness.history.sayings import ref

STEPS = [
    CREATED,
    fact(101, booked(10)),
    fact(102, attended(10)),
    fact(103, prescribed(20)),
    fact(104, visited(20, 5)),
    fact(105, closed()),
    fact(106, outcome(o.PersonErased, person_ref=ref(3)), REFERRER),
]
STAGES = ["waiting", "booked", "met", "prescribed", "started", "closed", "erased"]

RULES = [
    *(
        Rule(
            "F80",
            f"stage_{stage}",
            "The stage is the furthest of: waiting, booked, met, prescribed, started, ended, erased.",
            STEPS[: at + 1],
            {"stage": stage},
        )
        for at, stage in enumerate(STAGES)
    ),
    Rule(
        "F80",
        "stage_unknown",
        "Without a creation the stage is unknown.",
        STEPS[1:5],
        {"stage": "unknown"},
    ),
    Rule(
        "F80",
        "stage_missed",
        "A missed meeting without another is missed.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10))],
        {"stage": "missed"},
    ),
    Rule(
        "F80",
        "stage_missed_with_a_reason_to_wait",
        "With a reason for having no meeting, a missed meeting is waiting.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10)), fact(103, waiting())],
        {"stage": "waiting"},
    ),
    Rule(
        "F80",
        "stage_missed_and_booked_again",
        "A meeting booked after a missed one is booked.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10)), fact(103, booked(11, 1))],
        {"stage": "booked"},
    ),
    Rule(
        "F80",
        "stage_met_and_booked_again",
        "A meeting booked after an attended one is booked.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10)), fact(103, booked(11, 1))],
        {"stage": "booked"},
    ),
    Rule(
        "F80",
        "stage_cancelled",
        "A cancelled meeting without another is waiting.",
        [CREATED, fact(101, booked(10)), fact(102, cancelled(10))],
        {"stage": "waiting"},
    ),
    Rule(
        "F80",
        "stage_prescribed_beats_booked",
        "A service of the plan counts more than a meeting.",
        [CREATED, fact(101, prescribed(20)), fact(102, booked(10))],
        {"stage": "prescribed"},
    ),
    Rule(
        "F61 F80",
        "stage_reopened",
        "A reopened referral has the stage that it had before the ending.",
        [*STEPS[:5], fact(105, closed()), fact(106, reopened(105))],
        {"stage": "started"},
    ),
    Rule(
        "F80",
        "stage_met_and_missed",
        "An attended meeting counts more than a missed one.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, attended(10)),
            fact(103, booked(11, 1)),
            fact(104, missed(11)),
        ],
        {"stage": "met"},
    ),
    Rule(
        "F80",
        "stage_missed_and_cancelled",
        "A missed meeting counts though a later one was cancelled.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, missed(10)),
            fact(103, booked(11, 1)),
            fact(104, cancelled(11)),
        ],
        {"stage": "missed"},
    ),
    Rule(
        "F80",
        "stage_of_a_visit_that_ended",
        "A first visit counts also after the activity ended.",
        [CREATED, fact(101, prescribed(20)), fact(102, visited(20, 5)), fact(103, ended(20))],
        {"stage": "started"},
    ),
    Rule(
        "F80",
        "stage_prescribed_without_a_meeting",
        "A service of the plan counts though nobody was met.",
        [CREATED, fact(101, prescribed(20)), fact(102, waiting())],
        {"stage": "prescribed"},
    ),
]
