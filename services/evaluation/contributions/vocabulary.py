"""The words that figures are broken down by, beside those of the events."""

from enum import StrEnum
from typing import Final

from shared.contract.events.measures import ITEMS as QUESTIONNAIRES
from shared.contract.events.vocabulary import Instrument


class Step(StrEnum):
    """How far a referral has come, in the order of the journey."""

    REFERRED = "referred"
    BOOKED = "booked"
    MET = "met"
    PLANNED = "planned"
    """A plan was agreed or a service was added to it."""
    ACCEPTED = "accepted"
    """A service said yes."""
    VISITED = "visited"
    """The person was there for the first time: what the programme is measured by."""


STEPS: Final = tuple(Step)


class LeadTime(StrEnum):
    """Days between booking a meeting and holding it: people come less often the longer it is."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    WEEK = "week"
    LONGER = "longer"


class Answer(StrEnum):
    """What came back from a service that was asked."""

    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    FULL = "full"
    NOT_SUITABLE = "not_suitable"
    SILENT = "silent"


ITEMS: Final = tuple(QUESTIONNAIRES[Instrument.ONS4])
"""The four questions on well-being, in the order of the Office for National Statistics."""

LOW_IS_GOOD: Final = frozenset({"anxious"})
