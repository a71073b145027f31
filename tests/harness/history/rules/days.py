"""Rules of the set itself, and of days: London's, and of which of a fact's two times."""

from datetime import UTC, datetime, timedelta

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.history.rules.rule import (
    CREATED,
    PARTNER,
    UNKNOWN,
    Rule,
    attended,
    booked,
    closed,
    fact,
    missed,
    on,
    outcome,
    pointer,
    prescribed,
    replied,
)
from tests.harness.history.sayings import START

# 00:30 of the next day in London's summer time.
SUMMER_NIGHT = datetime(2027, 7, 1, 23, 30, tzinfo=UTC)
TO_THAT_NIGHT = (SUMMER_NIGHT - START) / timedelta(hours=1)
NEXT_DAY = "2027-07-02"
REACHED = outcome(o.ContactAttempted, channel=v.Channel.PHONE, reached=True)

RULES = [
    Rule(
        "F1",
        "fact_said_again",
        "A fact that comes again under its source and id is the same fact.",
        [CREATED, fact(101, REACHED), fact(101, REACHED), CREATED],
        {"contact_attempts": [pointer(101)]},
    ),
    Rule(
        "F1",
        "one_id_of_two_sources",
        "Two sources may use one id: these are two facts.",
        [CREATED, fact(101, REACHED), fact(101, REACHED, PARTNER)],
        {"contact_attempts": [pointer(101, PARTNER), pointer(101)]},
    ),
    Rule(
        "F5 F35",
        "meeting_in_a_summer_night",
        "A day is London's: 23:30 UTC in summer is the next day.",
        [CREATED, fact(101, booked(10, starts_at=SUMMER_NIGHT))],
        {"meetings.meetings.0.held_on": NEXT_DAY, "next_step.holds.on": NEXT_DAY},
    ),
    Rule(
        "F5 F53",
        "reply_in_a_summer_night",
        "The day of a reply is London's, and days are counted from it.",
        [CREATED, fact(101, prescribed(20)), fact(102, replied(20), hours=TO_THAT_NIGHT)],
        {"prescriptions.0.since": NEXT_DAY, "next_step.holds.on": "2027-07-16"},
    ),
    Rule(
        "F5 F72",
        "miss_in_a_summer_night",
        "The day on which a miss was recorded is London's.",
        [
            CREATED,
            fact(101, booked(10)),
            fact(102, missed(10), hours=73, said=TO_THAT_NIGHT),
        ],
        {"next_step.holds.on": "2027-07-04"},
    ),
    Rule(
        "F2 F72",
        "miss_recorded_later_than_it_happened",
        "The step after a miss counts from when it was recorded, all other days from when it happened.",
        [CREATED, fact(101, booked(10)), fact(102, missed(10), hours=72, said=24 * 8)],
        {"next_step.holds.on": on(10), "meetings.meetings.0.held_on": on(3)},
    ),
    Rule(
        "F2 F35",
        "meeting_recorded_later_than_it_happened",
        "A meeting was held when its outcome happened, not when that was recorded.",
        [CREATED, fact(101, booked(10)), fact(102, attended(10), hours=24, said=24 * 9)],
        {"meetings.meetings.0.held_on": on(1)},
    ),
    Rule(
        "F2 F53",
        "reply_recorded_later_than_it_happened",
        "A status holds since its fact happened, not since it was recorded.",
        [CREATED, fact(101, prescribed(20)), fact(102, replied(20), hours=48, said=24 * 9)],
        {"prescriptions.0.since": on(2), "next_step.holds.on": on(16)},
    ),
    Rule(
        "F6",
        "last_recorded_is_when_it_was_said",
        "The latest recorded time is of `recordedtime`, which is not when it happened.",
        [CREATED, fact(101, closed(), hours=2, said=30), fact(102, REACHED, hours=40, said=4)],
        {"last_recorded": "2026-11-03T15:00:00.000Z"},
    ),
    Rule(
        "F3 F6 F70",
        "unknown_kind_with_a_next_step",
        "A kind that the fold does not know says no next step, and is the last that was recorded.",
        [CREATED, fact(101, UNKNOWN, PARTNER, hours=7)],
        {"next_step.said": None, "next_step.holds": None, "last_recorded": "2026-11-02T16:00:00.000Z"},
    ),
]
