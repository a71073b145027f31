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
            f"stage_{stage}",
            "The stage is the furthest of: waiting, booked, met, prescribed, started, ended, erased.",
            STEPS[: at + 1],
            {"stage": stage},
        )
        for at, stage in enumerate(STAGES)
    ),
    Rule(
        "stage_unknown",
        "Without a creation the stage is unknown.",
        STEPS[1:5],
        {"stage": "unknown"},
    ),
    Rule(
        "stage_missed",
        "A missed meeting without another is missed.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10))],
        {"stage": "missed"},
    ),
    Rule(
        "stage_missed_with_a_reason_to_wait",
        "With a reason for having no meeting, a missed meeting is waiting.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10)), fact(103, waiting())],
        {"stage": "waiting"},
    ),
    Rule(
        "stage_missed_and_booked_again",
        "A meeting booked after a missed one is booked.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10)), fact(103, booked(11, 1))],
        {"stage": "booked"},
    ),
    Rule(
        "stage_met_and_booked_again",
        "A meeting booked after an attended one is booked.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10)), fact(103, booked(11, 1))],
        {"stage": "booked"},
    ),
    Rule(
        "stage_cancelled",
        "A cancelled meeting without another is waiting.",
        [CREATED, fact(101, booked(10)), fact(102, cancelled(10))],
        {"stage": "waiting"},
    ),
    Rule(
        "stage_prescribed_beats_booked",
        "A service of the plan counts more than a meeting.",
        [CREATED, fact(101, prescribed(20)), fact(102, booked(10))],
        {"stage": "prescribed"},
    ),
    Rule(
        "stage_reopened",
        "A reopened referral has the stage that it had before the ending.",
        [*STEPS[:5], fact(105, closed()), fact(106, reopened(105))],
        {"stage": "started"},
    ),
]
