"""Rules about what counts: judged from the whole set, in whatever order it came."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    BOOKING,
    CASEWORK,
    CREATED,
    HISTORY,
    MATCHING,
    PARTNER,
    REFERRER,
    Rule,
    booked,
    cancelled,
    day,
    fact,
    outcome,
    pointer,
    prescribed,
    referral,
    retracted,
)
from tests.harness.history.sayings import ref

ERASED = outcome(o.PersonErased, person_ref=ref(3))
HANDED_OVER = outcome(
    o.LinkWorkerChanged,
    link_worker="lw-meir-2",
    next_step=o.NextStep(code=v.NextStepCode.RING, on=day(9)),
)
RING = fact(100, referral(contact=v.SafeToText.RING), REFERRER)
THEIRS = fact(100, referral(), HISTORY)


def may_share(agreed: v.Agreed) -> EventBody:
    """True if name and contact may be shared with a service."""
    return outcome(o.SharingChanged, agreement=v.Agreement.SERVICE, agreed=agreed, prescription_id=ref(20))


def to_gp(agreed: v.Agreed) -> EventBody:
    """True if the GP may see details of the plan."""
    return outcome(o.SharingChanged, agreement=v.Agreement.DETAILS_TO_GP, agreed=agreed)


def texts(contact: v.SafeToText) -> EventBody:
    """True if messages are safe."""
    return outcome(o.ContactChanged, contact=contact)


RULES = [
    Rule(
        "F14",
        "meeting_before_the_creation",
        "A meeting does not count yet while no creation was said.",
        [fact(101, booked(10))],
        {"meetings.meetings": [], "meetings.link_worker": None, "stage": "unknown"},
    ),
    Rule(
        "F14",
        "meeting_of_a_retracted_creation",
        "A meeting counts once a creation was ever said, also a retracted one: it is there to be cancelled.",
        [fact(101, booked(10)), fact(102, retracted(100, REFERRER), REFERRER), CREATED],
        {"meetings.active": ref(10), "creation": None},
    ),
    Rule(
        "F14 F32",
        "meeting_whose_sequence_leaves_one_out",
        "A meeting of sequence n does not count yet while none of n-1 was said.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 2, replaces=ref(10)), PARTNER)],
        {"meetings.active": ref(10), "meetings.meetings.0.status": "booked"},
    ),
    Rule(
        "F14",
        "meeting_whose_sequence_is_complete",
        "It counts once a meeting of n-1 was said, by whatever source and whatever the ids.",
        [
            CREATED,
            fact(101, booked(12, 2), PARTNER),
            fact(102, booked(11, 1), BOOKING),
            fact(103, booked(10)),
        ],
        {"meetings.active": ref(12)},
    ),
    Rule(
        "F14",
        "meeting_after_a_retracted_one",
        "A retracted meeting was said: those after it count.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1)), fact(103, retracted(101))],
        {"meetings.active": ref(11)},
    ),
    Rule(
        "F14 F33",
        "outcome_of_a_meeting_that_does_not_count",
        "What became of a meeting changes nothing while the meeting does not count.",
        [CREATED, fact(101, booked(10, 3), PARTNER), fact(102, cancelled(10))],
        {"meetings.meetings": [], "stage": "waiting"},
    ),
    Rule(
        "F15",
        "erased_by_a_source_that_no_list_names",
        "An erasure by a source without a priority does not count.",
        [CREATED, fact(101, ERASED, PARTNER)],
        {"endings.erased": False, "endings.open": True, "stage": "waiting"},
    ),
    Rule(
        "F15",
        "erased_by_an_unknown_creator",
        "A source without a priority erases nobody, although it made the referral.",
        [fact(100, referral(), PARTNER), fact(101, ERASED, PARTNER)],
        {"endings.erased": False, "creation": pointer(100, PARTNER)},
    ),
    Rule(
        "F15",
        "erased_by_the_creator",
        "An erasure by the source of the creation counts, whichever comes first.",
        [fact(99, ERASED, HISTORY), THEIRS],
        {"endings.erased": True, "stage": "erased"},
    ),
    Rule(
        "F15",
        "erased_by_another_partner",
        "An erasure by a partner whose creation does not stand does not count.",
        [CREATED, fact(101, referral(), HISTORY), fact(102, ERASED, HISTORY)],
        {"endings.erased": False, "creation": pointer(100, REFERRER)},
    ),
    Rule(
        "F15",
        "erased_by_the_vault_of_the_programme",
        "An erasure by the referral part counts, whoever made the referral.",
        [THEIRS, fact(101, ERASED, REFERRER)],
        {"endings.erased": True},
    ),
    Rule(
        "F15",
        "erased_by_another_part",
        "An erasure by another part of ours does not count.",
        [CREATED, fact(101, ERASED, MATCHING)],
        {"endings.erased": False},
    ),
    Rule(
        "F10 F15",
        "link_worker_changed_by_a_source_that_no_list_names",
        "A handover by a source without a priority does not count, nor does its next step.",
        [CREATED, fact(101, booked(10)), fact(102, HANDED_OVER, PARTNER)],
        {"meetings.link_worker": "lw-meir-1", "next_step.said": None},
    ),
    Rule(
        "F37",
        "link_worker_of_a_meeting_of_a_source_that_no_list_names",
        "A meeting of a source without a priority stands, and names nobody who may read of the person.",
        [CREATED, fact(101, booked(10)), fact(102, booked(11, 1, link_worker="lw-meir-2"), PARTNER)],
        {"meetings.active": ref(11), "meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "F15",
        "link_worker_changed_by_another_partner",
        "A handover by a partner does not count if another source made the referral.",
        [CREATED, fact(101, booked(10)), fact(102, HANDED_OVER, HISTORY)],
        {"meetings.link_worker": "lw-meir-1"},
    ),
    Rule(
        "F15",
        "link_worker_changed_by_the_creator",
        "A handover by the source of the creation counts.",
        [THEIRS, fact(101, booked(10), HISTORY), fact(102, HANDED_OVER, HISTORY)],
        {"meetings.link_worker": "lw-meir-2"},
    ),
    Rule(
        "F15",
        "link_worker_changed_by_casework",
        "A handover by casework counts, whoever made the referral.",
        [THEIRS, fact(101, booked(10), HISTORY), fact(102, HANDED_OVER, CASEWORK)],
        {"meetings.link_worker": "lw-meir-2"},
    ),
    Rule(
        "F15",
        "sharing_yes_by_a_source_that_no_list_names",
        "A yes to sharing by a source without a priority does not count.",
        [
            CREATED,
            fact(101, prescribed(20)),
            fact(102, may_share(v.Agreed.YES), PARTNER),
            fact(103, to_gp(v.Agreed.YES), PARTNER),
        ],
        {"prescriptions.0.may_share": "not_asked", "sharing.details_to_gp": "not_asked"},
    ),
    Rule(
        "F15",
        "sharing_yes_by_another_partner",
        "A yes to sharing by a partner does not count if another source made the referral.",
        [CREATED, fact(101, prescribed(20)), fact(102, may_share(v.Agreed.YES), HISTORY)],
        {"prescriptions.0.may_share": "not_asked"},
    ),
    Rule(
        "F15",
        "sharing_yes_by_the_creator",
        "A yes to sharing by the source of the creation counts.",
        [THEIRS, fact(101, prescribed(20), HISTORY), fact(102, may_share(v.Agreed.YES), HISTORY)],
        {"prescriptions.0.may_share": "yes"},
    ),
    Rule(
        "F16",
        "sharing_no_by_a_source_that_no_list_names",
        "A no to sharing permits nothing, so it counts from any source.",
        [
            CREATED,
            fact(101, prescribed(20)),
            fact(102, may_share(v.Agreed.YES), CASEWORK),
            fact(103, may_share(v.Agreed.NO), PARTNER),
        ],
        {"prescriptions.0.may_share": "no"},
    ),
    Rule(
        "F15",
        "contact_yes_by_a_source_that_no_list_names",
        "A yes to messages by a source without a priority does not count.",
        [RING, fact(101, texts(v.SafeToText.YES), PARTNER)],
        {"contact": "ring"},
    ),
    Rule(
        "F15",
        "contact_yes_by_the_referral_part",
        "A yes to messages by the referral part counts.",
        [RING, fact(101, texts(v.SafeToText.YES), REFERRER)],
        {"contact": "yes"},
    ),
    Rule(
        "F14",
        "meeting_of_a_creation_by_a_source_that_no_list_names",
        "A creation by any source is enough for a meeting to count.",
        [fact(100, referral(), PARTNER), fact(101, booked(10))],
        {"meetings.active": ref(10), "creation": pointer(100, PARTNER)},
    ),
    Rule(
        "F14",
        "meeting_after_one_that_does_not_count",
        "A meeting counts after one that was said and does not count itself.",
        [CREATED, fact(101, booked(10, 2), PARTNER), fact(102, booked(11, 3))],
        {"meetings.active": ref(11), "meetings.meetings.0.meeting_id": ref(11)},
    ),
    Rule(
        "F14 F30",
        "booking_of_one_meeting_that_does_not_count",
        "Of two bookings of one meeting, the one that does not count gives way, whatever its priority.",
        [CREATED, fact(101, booked(10), PARTNER), fact(102, booked(10, 4))],
        {"meetings.meetings.0.fact": pointer(101, PARTNER)},
    ),
    Rule(
        "F10 F14 F31",
        "yes_of_a_booking_that_does_not_count",
        "A booking that does not count leaves the meeting provisional.",
        [CREATED, fact(101, booked(10, provisional=True)), fact(102, booked(10, 4), PARTNER)],
        {"meetings.meetings.0.provisional": True},
    ),
    Rule(
        "F13 F15",
        "erased_by_the_creator_of_a_retracted_creation",
        "If every creation is retracted, the source of the highest one may still erase.",
        [THEIRS, fact(101, retracted(100, HISTORY), HISTORY), fact(102, ERASED, HISTORY)],
        {"endings.erased": True, "creation": None, "stage": "erased"},
    ),
    Rule(
        "F13 F15",
        "erased_by_the_creator_that_stands_after_a_retraction",
        "If the highest creation is retracted, the source of the next may erase.",
        [
            CREATED,
            fact(101, referral(), HISTORY),
            fact(102, retracted(100, REFERRER), REFERRER),
            fact(103, ERASED, HISTORY),
        ],
        {"endings.erased": True, "creation": pointer(101, HISTORY)},
    ),
    Rule(
        "F13 F62",
        "erasure_retracted",
        "An erasure that the referral part retracts was never said.",
        [CREATED, fact(101, ERASED, REFERRER), fact(102, retracted(101, REFERRER), REFERRER)],
        {"endings.erased": False, "endings.open": True},
    ),
    Rule(
        "F15",
        "link_worker_changed_by_another_part",
        "A handover by another part of ours does not count.",
        [CREATED, fact(101, booked(10)), fact(102, HANDED_OVER, BOOKING)],
        {"meetings.link_worker": "lw-meir-1", "next_step.said": None},
    ),
    Rule(
        "F15",
        "sharing_yes_by_another_part",
        "A yes to sharing by another part of ours does not count.",
        [THEIRS, fact(101, to_gp(v.Agreed.YES), REFERRER)],
        {"sharing.details_to_gp": "not_asked"},
    ),
    Rule(
        "F15",
        "contact_yes_by_another_part",
        "A yes to messages by another part of ours does not count.",
        [RING, fact(101, texts(v.SafeToText.YES), CASEWORK)],
        {"contact": "ring"},
    ),
    Rule(
        "F15 F21",
        "contact_yes_by_the_creator",
        "A yes to messages by the source of the creation counts.",
        [
            fact(100, referral(contact=v.SafeToText.RING), HISTORY),
            fact(101, texts(v.SafeToText.YES), HISTORY),
        ],
        {"contact": "yes"},
    ),
    Rule(
        "F16 F21",
        "contact_not_known_by_a_source_that_no_list_names",
        "That messages may not be safe permits nothing, so it counts from any source.",
        [
            fact(100, referral(contact=v.SafeToText.YES), REFERRER),
            fact(101, texts(v.SafeToText.NOT_KNOWN), PARTNER),
        ],
        {"contact": "not_known"},
    ),
]
