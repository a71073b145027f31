"""Rules about the set of facts: retraction, repetition, unknown kinds."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    BOOKING,
    CASEWORK,
    CREATED,
    DIRECTORY,
    HISTORY,
    MATCHING,
    NOTIFICATIONS,
    PARTNER,
    REFERRER,
    UNKNOWN,
    Rule,
    attended,
    booked,
    closed,
    day,
    fact,
    on,
    outcome,
    pointer,
    prescribed,
    referral,
    replied,
    retracted,
)
from tests.harness.history.sayings import ref


def retracting(number: int, days: int, source: str = MATCHING) -> EventBody:
    """A retraction that says a next step."""
    step = o.NextStep(code=v.NextStepCode.RING, on=day(days))
    reason = v.RetractReason.UNDONE
    return outcome(o.Retracted, event_source=source, event_id=ref(number), reason=reason, next_step=step)


RULES = [
    Rule(
        "F2 F63 F80",
        "no_facts",
        "Without facts there is nothing: no creation, not open, stage unknown.",
        [],
        {"creation": None, "endings.open": False, "stage": "unknown", "last_recorded": None},
    ),
    Rule(
        "F13",
        "retracted_fact_was_never_said",
        "A retraction makes the fact that it names never said.",
        [CREATED, fact(101, booked(10)), fact(102, retracted(101))],
        {"meetings.meetings": [], "meetings.active": None, "stage": "waiting"},
    ),
    Rule(
        "F13",
        "retracted_before_what_it_retracts",
        "A retraction counts also if its id is lower than the id of the fact that it names.",
        [CREATED, fact(101, retracted(102)), fact(102, booked(10))],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "F11",
        "retraction_of_a_fact_that_never_came",
        "A retraction of a fact that is not there changes nothing.",
        [CREATED, fact(101, booked(10)), fact(102, retracted(999))],
        {"meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F13",
        "retraction_cannot_be_retracted",
        "A retraction stands although another retraction names it.",
        [CREATED, fact(101, booked(10)), fact(102, retracted(101)), fact(103, retracted(102))],
        {"meetings.meetings": []},
    ),
    Rule(
        "F11",
        "retraction_by_a_source_that_no_list_names",
        "A source without a priority retracts nothing, not even its own fact.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1), PARTNER),
            fact(103, retracted(101), PARTNER),
            fact(104, retracted(102, PARTNER), PARTNER),
        ],
        {"meetings.active": ref(11), "stage": "booked"},
    ),
    Rule(
        "F11",
        "retraction_by_a_partner_of_its_own",
        "A partner retracts its own facts, and no other source's.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1), HISTORY),
            fact(103, retracted(101), HISTORY),
            fact(104, retracted(102, HISTORY), HISTORY),
        ],
        {"meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F11",
        "retraction_by_the_part_that_says_the_kind",
        "The part that says a kind of fact retracts any source's facts of this kind.",
        [CREATED, fact(101, booked(10), PARTNER), fact(102, retracted(101, PARTNER), BOOKING)],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "F11",
        "retraction_by_another_part",
        "A part of ours retracts no fact of a kind that another part says.",
        [CREATED, fact(101, booked(10), BOOKING), fact(102, retracted(101, BOOKING), CASEWORK)],
        {"meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F11 F12",
        "retraction_by_a_part_of_what_was_said_before_sources_by_part",
        "The source of before, which spoke for three parts, counts as each of them.",
        [CREATED, fact(101, booked(10)), fact(102, retracted(101), BOOKING)],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "F1 F11",
        "retraction_names_source_and_id",
        "Of two facts with one id, the retraction names the one of its source only.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(101, booked(11), PARTNER),
            fact(102, retracted(101, PARTNER)),
        ],
        {"meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F13",
        "retracted_outcome_gives_way_to_the_one_before",
        "If the fact that stands is retracted, the next highest takes its place.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10)), fact(103, retracted(102))],
        {"meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F13 F14",
        "retracted_creation",
        "If its creation is retracted, a referral is not open and its stage is unknown.",
        [CREATED, fact(101, booked(10)), fact(102, retracted(100, REFERRER), REFERRER)],
        {"creation": None, "endings.open": False, "stage": "unknown", "meetings.active": ref(10)},
    ),
    Rule(
        "F3",
        "unknown_kind_says_nothing",
        "An outcome of a kind that the fold does not know changes no section.",
        [
            CREATED,
            fact(101, UNKNOWN, PARTNER),
        ],
        {"creation": pointer(100, REFERRER), "stage": "waiting"},
    ),
    Rule(
        "F6",
        "last_recorded_counts_every_fact",
        "The latest recorded time is of all facts, retracted ones too.",
        [CREATED, fact(101, closed(), hours=5), fact(102, retracted(101), hours=2)],
        {"last_recorded": "2026-11-02T14:00:00.000Z", "endings.open": True},
    ),
    Rule(
        "F2 F4",
        "clocks_decide_nothing",
        "The id decides between two facts of one source, not the time.",
        [
            fact(101, referral(practice="M83100"), REFERRER, hours=1),
            fact(102, referral(practice="M83713"), REFERRER),
        ],
        {"creation": pointer(102, REFERRER)},
    ),
    Rule(
        "F4",
        "source_without_a_priority_counts_least",
        "A source that the priorities do not name has priority 0.",
        [fact(101, referral(), MATCHING), fact(102, referral(practice="M83713"), "/meir/stranger")],
        {"creation": pointer(101)},
    ),
    Rule(
        "F11 F12",
        "retraction_by_a_part_without_a_priority",
        "A part of the programme is known without a priority, so it retracts its own fact.",
        [
            CREATED,
            fact(101, booked(10), NOTIFICATIONS),
            fact(102, retracted(101, NOTIFICATIONS), NOTIFICATIONS),
        ],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "F11",
        "retraction_by_part_and_kind",
        "Casework retracts a partner's plan, and not a partner's meeting.",
        [
            CREATED,
            fact(101, booked(10), HISTORY),
            fact(102, attended(10), HISTORY),
            fact(103, retracted(101, HISTORY), CASEWORK),
            fact(104, retracted(102, HISTORY), CASEWORK),
        ],
        {"meetings.meetings.0.status": "booked"},
    ),
    Rule(
        "F11 F12",
        "retraction_by_either_part_that_says_the_kind",
        "A kind that two parts say is retracted by either.",
        [
            CREATED,
            fact(101, prescribed(20), CASEWORK),
            fact(102, replied(20), CASEWORK),
            fact(103, retracted(102, CASEWORK), DIRECTORY),
        ],
        {"prescriptions.0.status": "asked"},
    ),
    Rule(
        "F13",
        "retraction_named_before_it_retracts",
        "Retractions that name each other both count.",
        [CREATED, fact(101, retracted(102)), fact(102, retracted(101)), fact(103, booked(10))],
        {"meetings.active": ref(10)},
    ),
    Rule(
        "F10 F13 F70",
        "retraction_says_a_next_step",
        "A retraction may say the next step, also one that another names.",
        [CREATED, fact(101, booked(10)), fact(102, retracting(101, 9)), fact(103, retracted(102))],
        {"next_step.said": pointer(102), "next_step.holds": {"code": "ring", "on": on(9), "derived": False}},
    ),
    Rule(
        "F10 F11",
        "retraction_of_nothing_says_no_next_step",
        "A retraction whose fact is not there does not count yet, and neither does its next step.",
        [CREATED, fact(101, retracting(999, 9))],
        {"next_step": {"said": None, "holds": None}},
    ),
    Rule(
        "F3 F11 F12",
        "retraction_of_an_unknown_kind",
        "No part says an unknown kind, so its own source alone retracts it.",
        [
            CREATED,
            fact(101, UNKNOWN, PARTNER),
            fact(102, UNKNOWN, HISTORY),
            fact(103, retracting(102, 9, HISTORY), HISTORY),
            fact(104, retracting(101, 5, PARTNER), CASEWORK),
        ],
        {"next_step.said": pointer(103, HISTORY)},
    ),
]
