"""The contract: three events, in CloudEvents 1.0 binary mode over Kafka."""

from shared.contract.events.envelope import Envelope, Refused
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import Outcome, OutcomeRecorded
from shared.contract.events.topics import dead_letter_topic, event_topics, group, source

__all__ = [
    "Envelope",
    "EventBody",
    "MeetingBooked",
    "Outcome",
    "OutcomeRecorded",
    "ReferralCreated",
    "Refused",
    "dead_letter_topic",
    "event_topics",
    "group",
    "source",
]
