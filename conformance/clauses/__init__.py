"""The clauses. Importing this package registers all of them."""

from conformance.clauses import (
    booking_answers,
    booking_changes,
    booking_commands,
    booking_facts,
    casework,
    disorder,
    events,
    hand_over,
    intake,
    messages,
    ownership,
    poison,
    referral,
    restart,
    vault,
)

__all__ = [
    "booking_answers",
    "booking_changes",
    "booking_commands",
    "booking_facts",
    "casework",
    "disorder",
    "events",
    "hand_over",
    "intake",
    "messages",
    "ownership",
    "poison",
    "referral",
    "restart",
    "vault",
]
