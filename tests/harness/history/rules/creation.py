"""Rules of the sections creation and contact."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    CREATED,
    HISTORY,
    MATCHING,
    NEIGHBOUR,
    PARTNER,
    REFERRER,
    Rule,
    attended,
    booked,
    fact,
    outcome,
    pointer,
    referral,
    retracted,
)
from tests.harness.history.sayings import ref


def contact(safe: v.SafeToText) -> EventBody:
    """A fact that says anew whether messages may be sent."""
    return outcome(o.ContactChanged, contact=safe)


def rung() -> EventBody:
    """The link worker rang the person."""
    return outcome(o.ContactAttempted, channel=v.Channel.PHONE, reached=True)


YES, RING, NOT_KNOWN = v.SafeToText.YES, v.SafeToText.RING, v.SafeToText.NOT_KNOWN
SAFE = fact(100, referral(contact=YES), REFERRER)

RULES = [
    Rule(
        "F2 F20",
        "facts_before_the_creation",
        "Facts fold before the creation is there; the referral is not open yet.",
        [fact(101, rung()), fact(102, attended(10))],
        {
            "creation": None,
            "endings.open": False,
            "stage": "unknown",
            "contact_attempts.0": pointer(101),
        },
    ),
    Rule(
        "F2 F20",
        "creation_with_a_higher_id_than_other_facts",
        "A creation counts whatever its id.",
        [fact(101, booked(10)), fact(102, referral(), REFERRER)],
        {"creation": pointer(102, REFERRER), "stage": "booked", "endings.open": True},
    ),
    Rule(
        "F4 F20",
        "two_creations_of_one_source",
        "Of two creations of one source, the one of the higher id stands.",
        [CREATED, fact(101, referral(practice="M83713"), REFERRER)],
        {"creation": pointer(101, REFERRER)},
    ),
    Rule(
        "F4 F20",
        "two_creations_of_two_sources",
        "Of two creations, the one of the higher source priority stands, whatever the ids.",
        [CREATED, fact(101, referral(practice="M83713"), PARTNER)],
        {"creation": pointer(100, REFERRER)},
    ),
    Rule(
        "F4 F20",
        "two_creations_of_equal_priority",
        "Of two creations of sources with equal priority, the one of the higher id stands.",
        [fact(102, referral(), NEIGHBOUR), fact(101, referral(practice="M83713"), PARTNER)],
        {"creation": pointer(102, NEIGHBOUR)},
    ),
    Rule(
        "F4 F20",
        "two_creations_of_equal_priority_and_id",
        "Of two creations of equal priority and id, the one of the higher source name stands.",
        [fact(101, referral(), NEIGHBOUR), fact(101, referral(practice="M83713"), PARTNER)],
        {"creation": pointer(101, PARTNER)},
    ),
    Rule(
        "F21",
        "contact_not_known_before_the_creation",
        "Without a creation and a change, it is not known whether messages are safe.",
        [fact(101, booked(10))],
        {"contact": "not_known"},
    ),
    Rule(
        "F21",
        "contact_as_the_referral_says",
        "Whether messages are safe is as the creation says.",
        [SAFE],
        {"contact": "yes"},
    ),
    Rule(
        "F21",
        "contact_changed",
        "A change of contact replaces what the creation says.",
        [SAFE, fact(101, contact(RING))],
        {"contact": "ring"},
    ),
    Rule(
        "F21",
        "contact_changed_before_the_creation",
        "A change of contact counts although its id is lower than the creation's.",
        [fact(99, contact(RING)), SAFE],
        {"contact": "ring"},
    ),
    Rule(
        "F16 F21",
        "contact_changes_that_contradict",
        "Of changes that contradict each other the most careful holds: ring, then not known, then yes.",
        [
            SAFE,
            fact(101, contact(RING), PARTNER),
            fact(102, contact(NOT_KNOWN), HISTORY),
            fact(103, contact(YES), MATCHING),
        ],
        {"contact": "ring"},
    ),
    Rule(
        "F21",
        "contact_not_known_beats_yes",
        "Only a yes from every change is a yes.",
        [SAFE, fact(101, contact(NOT_KNOWN), PARTNER), fact(102, contact(YES))],
        {"contact": "not_known"},
    ),
    Rule(
        "F21",
        "contact_changed_back",
        "If the change is retracted, what the creation says holds again.",
        [SAFE, fact(101, contact(RING)), fact(102, retracted(101))],
        {"contact": "yes"},
    ),
    Rule(
        "F20",
        "creation_and_its_person",
        "A state refers to the creation, which holds the codes and the reference to the person.",
        [fact(100, referral(person_ref=ref(4)), REFERRER)],
        {"creation": pointer(100, REFERRER), "endings.open": True, "stage": "waiting"},
    ),
]
