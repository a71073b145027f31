"""Rules of the section meetings."""

from datetime import timedelta, timezone

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.history.rules.rule import (
    CASEWORK,
    CREATED,
    NEIGHBOUR,
    NOTIFICATIONS,
    PARTNER,
    Rule,
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

EAST = timezone(timedelta(hours=2))
LATER = START + timedelta(days=4)
HANDED_OVER = outcome(o.LinkWorkerChanged, link_worker="lw-meir-2")

RULES = [
    Rule(
        "F30 F34",
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
        "F30",
        "one_meeting_of_two_sources",
        "Of two bookings of one meeting id, the one of the higher source priority stands, whatever the ids.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, link_worker="lw-partner-1"), PARTNER)],
        {"meetings.meetings.0.fact": pointer(101), "meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "F30",
        "one_meeting_said_twice_by_one_source",
        "Of two bookings of one meeting id by one source, the one of the higher id stands.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, starts_at=LATER))],
        {"meetings.meetings.0.fact": pointer(102), "meetings.meetings.0.held_on": on(4)},
    ),
    Rule(
        "F31",
        "provisional_until_any_source_has_a_yes",
        "A meeting is not provisional if any booking of it says so, of the same link worker and time.",
        [CREATED, fact(101, booked(10, provisional=True)), fact(102, booked(10), PARTNER)],
        {"meetings.meetings.0.provisional": False, "meetings.meetings.0.fact": pointer(101)},
    ),
    Rule(
        "F31",
        "provisional_after_a_yes_with_a_lower_id",
        "The yes counts although the provisional booking has the higher id.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, provisional=True))],
        {"meetings.meetings.0.provisional": False, "meetings.meetings.0.fact": pointer(102)},
    ),
    Rule(
        "F31",
        "yes_to_another_time",
        "A yes to another time leaves the meeting provisional.",
        [CREATED, fact(101, booked(10)), fact(102, booked(10, starts_at=LATER, provisional=True))],
        {"meetings.meetings.0.provisional": True},
    ),
    Rule(
        "F31",
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
        "F34",
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
        "F34",
        "active_of_equal_sequence_has_the_higher_priority",
        "Of booked meetings with equal sequence, the one of the higher source priority is active.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11), PARTNER)],
        {"meetings.active": ref(10), "meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "F34",
        "active_of_equal_sequence_and_priority_has_the_higher_meeting_id",
        "Of booked meetings with equal sequence and priority, the one of the higher meeting id is active.",
        [CREATED, fact(101, booked(11), PARTNER), fact(102, booked(10), NEIGHBOUR)],
        {"meetings.active": ref(11)},
    ),
    Rule(
        "F34",
        "active_is_not_cancelled",
        "A cancelled meeting is not active; the next highest is.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1)), fact(103, cancelled(11))],
        {"meetings.active": ref(10), "meetings.meetings.1.status": "cancelled"},
    ),
    Rule(
        "F32",
        "replaced",
        "A meeting that another names in `replaces` is replaced.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1, replaces=ref(10)))],
        {"meetings.active": ref(11), "meetings.meetings.0.status": "replaced"},
    ),
    Rule(
        "F32",
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
        "F32",
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
        "F32",
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
        "F36",
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
        "F36",
        "waiting_beside_a_meeting",
        "The reason stays although a meeting is booked.",
        [CREATED, fact(101, waiting()), fact(102, booked(10))],
        {"meetings.waiting": pointer(101), "meetings.active": ref(10), "stage": "booked"},
    ),
    Rule(
        "F37",
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
        "F37",
        "link_worker_handed_over",
        "A handover names the link worker, whatever meetings there are and whatever the ids.",
        [CREATED, fact(101, HANDED_OVER), fact(102, booked(10))],
        {"meetings.link_worker": "lw-meir-2"},
    ),
    Rule(
        "F37",
        "link_worker_handed_over_without_a_meeting",
        "A handover names the link worker also if there is no meeting.",
        [CREATED, fact(101, HANDED_OVER)],
        {"meetings.link_worker": "lw-meir-2", "meetings.meetings": []},
    ),
    Rule(
        "F31",
        "yes_to_the_same_moment_in_another_zone",
        "A time is a moment, in whatever zone it is written.",
        [
            CREATED,
            fact(101, booked(10, provisional=True)),
            fact(102, booked(10, starts_at=(START + timedelta(days=3)).astimezone(EAST)), PARTNER),
        ],
        {"meetings.meetings.0.provisional": False, "meetings.meetings.0.fact": pointer(101)},
    ),
    Rule(
        "F32 F33",
        "replaced_and_cancelled",
        "A replaced meeting that was cancelled is cancelled.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, booked(11, 1, replaces=ref(10))),
            fact(103, cancelled(10)),
        ],
        {"meetings.meetings.0.status": "cancelled", "meetings.active": ref(11)},
    ),
    Rule(
        "F32 F33",
        "replaced_and_missed",
        "A replaced meeting that was missed is missed.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1, replaces=ref(10))), fact(103, missed(10))],
        {"meetings.meetings.0.status": "missed"},
    ),
    Rule(
        "F30 F34",
        "order_by_the_priority_of_the_standing_booking",
        "A meeting is ordered by the source of the booking that stands, not by any other of it.",
        [
            CREATED,
            fact(101, booked(12), PARTNER),
            fact(102, booked(11)),
            fact(103, booked(10)),
            fact(104, booked(12)),
        ],
        {"meetings.active": ref(12), "meetings.meetings.0.meeting_id": ref(10)},
    ),
    Rule(
        "F37",
        "link_worker_handed_over_twice",
        "Of two handovers the highest names the link worker.",
        [
            CREATED,
            fact(101, outcome(o.LinkWorkerChanged, link_worker="lw-meir-3"), CASEWORK),
            fact(102, HANDED_OVER, CASEWORK),
        ],
        {"meetings.link_worker": "lw-meir-2"},
    ),
    Rule(
        "F12 F37",
        "link_worker_of_a_part_without_a_priority",
        "The link worker of a meeting that a part without a priority booked counts: the part is known.",
        [CREATED, fact(101, booked(10), NOTIFICATIONS)],
        {"meetings.link_worker": "lw-meir-1"},
    ),
]
