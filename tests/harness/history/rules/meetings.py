"""Rules of the section meetings."""

from datetime import timedelta

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.history.rules.rule import (
    CREATED,
    MATCHING,
    NEIGHBOUR,
    PARTNER,
    Rule,
    attended,
    booked,
    cancelled,
    fact,
    missed,
    on,
    outcome,
    pointer,
    retracted,
    waiting,
)
from tests.harness.history.sayings import START, ref

LATER = START + timedelta(days=4)
HANDED_OVER = outcome(o.LinkWorkerChanged, link_worker="lw-meir-2")

RULES = [
    Rule(
        "booked",
        "A booked meeting is the active one, and its link worker is the referral's.",
        [CREATED, fact(101, booked(10))],
        {
            "meetings.active": ref(10),
            "meetings.link_worker": "lw-meir-1",
            "meetings.meetings.0.status": "booked",
            "meetings.meetings.0.held_on": on(3),
            "meetings.meetings.0.outcome": None,
        },
    ),
    Rule(
        "one_meeting_of_two_sources",
        "Of two bookings of one meeting id, the one of the higher source priority stands, whatever the ids.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, link_worker="lw-partner-1"), PARTNER)],
        {"meetings.meetings.0.fact": pointer(101), "meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "one_meeting_said_twice_by_one_source",
        "Of two bookings of one meeting id by one source, the one of the higher id stands.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, starts_at=LATER))],
        {"meetings.meetings.0.fact": pointer(102), "meetings.meetings.0.held_on": on(4)},
    ),
    Rule(
        "provisional_until_any_source_has_a_yes",
        "A meeting is not provisional if any booking of it says so, of the same link worker and time.",
        [CREATED, fact(101, booked(10, provisional=True)), fact(102, booked(10), PARTNER)],
        {"meetings.meetings.0.provisional": False, "meetings.meetings.0.fact": pointer(101)},
    ),
    Rule(
        "provisional_after_a_yes_with_a_lower_id",
        "The yes counts although the provisional booking has the higher id.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, provisional=True))],
        {"meetings.meetings.0.provisional": False, "meetings.meetings.0.fact": pointer(102)},
    ),
    Rule(
        "yes_to_another_time",
        "A yes to another time leaves the meeting provisional.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, starts_at=LATER, provisional=True))],
        {"meetings.meetings.0.provisional": True},
    ),
    Rule(
        "yes_to_another_link_worker",
        "A yes to another link worker leaves the meeting provisional.",
        [
            CREATED,
            fact(101, booked(10, provisional=True)),
            fact(102, booked(10, link_worker="lw-meir-2"), PARTNER),
        ],
        {"meetings.meetings.0.provisional": True},
    ),
    Rule(
        "active_is_the_highest_sequence",
        "Of several booked meetings, the one of the highest sequence is active.",
        [
            CREATED,
            fact(102, booked(10, 1), PARTNER),
            fact(101, booked(11, 2), PARTNER),
            fact(103, booked(12)),
        ],
        {"meetings.active": ref(11)},
    ),
    Rule(
        "active_of_equal_sequence_has_the_higher_priority",
        "Of booked meetings with equal sequence, the one of the higher source priority is active.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11), PARTNER)],
        {"meetings.active": ref(10), "meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "active_of_equal_sequence_and_priority_has_the_higher_meeting_id",
        "Of booked meetings with equal sequence and priority, the one of the higher meeting id is active.",
        [CREATED, fact(101, booked(11), PARTNER), fact(102, booked(10), NEIGHBOUR)],
        {"meetings.active": ref(11)},
    ),
    Rule(
        "active_is_not_cancelled",
        "A cancelled meeting is not active; the next highest is.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1)), fact(103, cancelled(11))],
        {"meetings.active": ref(10), "meetings.meetings.1.status": "cancelled"},
    ),
    Rule(
        "replaced",
        "A meeting that another names in `replaces` is replaced.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1, replaces=ref(10)))],
        {"meetings.active": ref(11), "meetings.meetings.0.status": "replaced"},
    ),
    Rule(
        "replaced_for_good",
        "A replaced meeting does not come back if its successor is cancelled.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1, replaces=ref(10))),
            fact(103, cancelled(11)),
        ],
        {"meetings.active": None, "meetings.meetings.0.status": "replaced"},
    ),
    Rule(
        "replacement_retracted",
        "If the booking that replaces a meeting is retracted, the meeting is booked again.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1, replaces=ref(10))),
            fact(103, retracted(102)),
        ],
        {"meetings.active": ref(10), "meetings.meetings.0.status": "booked"},
    ),
    Rule(
        "replaces_by_the_booking_that_does_not_stand",
        "Any booking that names a meeting in `replaces` replaces it, the ones of lower priority too.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1)),
            fact(103, booked(11, 1, replaces=ref(10)), PARTNER),
        ],
        {"meetings.active": ref(11), "meetings.meetings.0.status": "replaced"},
    ),
    Rule(
        "cancelled",
        "A cancelled meeting names the fact that cancelled it.",
        [CREATED, fact(101, booked(10)), fact(102, cancelled(10))],
        {"meetings.meetings.0.outcome": pointer(102), "meetings.active": None, "stage": "waiting"},
    ),
    Rule(
        "missed_beats_cancelled",
        "A meeting both missed and cancelled is missed, whatever priorities and ids.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10), PARTNER), fact(103, cancelled(10))],
        {"meetings.meetings.0.status": "missed", "meetings.meetings.0.outcome": pointer(102, PARTNER)},
    ),
    Rule(
        "attended_beats_missed",
        "A meeting both attended and missed is attended, whatever priorities and ids.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10), PARTNER), fact(103, missed(10))],
        {"meetings.meetings.0.status": "attended", "meetings.meetings.0.outcome": pointer(102, PARTNER)},
    ),
    Rule(
        "attended_beats_replaced",
        "A replaced meeting that was attended is attended; so with missed and cancelled.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1, replaces=ref(10))), fact(103, attended(10))],
        {"meetings.meetings.0.status": "attended", "meetings.active": ref(11)},
    ),
    Rule(
        "attended_said_twice",
        "Of two facts that a meeting was attended, the one of the highest (priority, id) is its outcome.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10)), fact(103, attended(10), PARTNER)],
        {"meetings.meetings.0.outcome": pointer(102, MATCHING)},
    ),
    Rule(
        "outcome_before_the_booking",
        "An outcome counts although its id is lower than the booking's.",
        [CREATED, fact(101, attended(10)), fact(102, booked(10))],
        {"meetings.meetings.0.status": "attended", "stage": "met"},
    ),
    Rule(
        "outcome_of_an_unknown_meeting",
        "An outcome of a meeting that was never booked makes no meeting.",
        [CREATED, fact(101, attended(10))],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "held_sooner_than_booked",
        "A meeting whose outcome happened before its day was held on the outcome's day in London.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10), hours=24)],
        {"meetings.meetings.0.held_on": on(1)},
    ),
    Rule(
        "held_as_booked",
        "A meeting whose outcome was said later was held on the day for which it was booked.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10), hours=24 * 9)],
        {"meetings.meetings.0.held_on": on(3)},
    ),
    Rule(
        "waiting",
        "Of several reasons for having no meeting, the one of the highest (priority, id) stands.",
        [
            CREATED,
            fact(101, waiting()),
            fact(102, waiting(v.WaitingReason.NO_LINK_WORKER)),
            fact(103, waiting(), PARTNER),
        ],
        {"meetings.waiting": pointer(102), "stage": "waiting"},
    ),
    Rule(
        "waiting_beside_a_meeting",
        "The reason stays although a meeting is booked.",
        [CREATED, fact(101, waiting()), fact(102, booked(10))],
        {"meetings.waiting": pointer(101), "meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "link_worker_of_the_highest_meeting",
        "Without a handover, the link worker is the one of the highest meeting, cancelled or not.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1, link_worker="lw-meir-2")),
            fact(103, cancelled(11)),
        ],
        {"meetings.link_worker": "lw-meir-2", "meetings.active": ref(10)},
    ),
    Rule(
        "link_worker_handed_over",
        "A handover names the link worker, whatever meetings there are and whatever the ids.",
        [CREATED, fact(101, HANDED_OVER), fact(102, booked(10))],
        {"meetings.link_worker": "lw-meir-2"},
    ),
    Rule(
        "link_worker_handed_over_without_a_meeting",
        "A handover names the link worker also if there is no meeting.",
        [CREATED, fact(101, HANDED_OVER)],
        {"meetings.link_worker": "lw-meir-2", "meetings.meetings": []},
    ),
]
