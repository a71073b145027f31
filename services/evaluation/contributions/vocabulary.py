"""Codes that figures are broken down by, beside those of the events."""

from enum import StrEnum
from typing import Final

from shared.contract.events.measures import ITEMS as QUESTIONNAIRES
from shared.contract.events.vocabulary import Instrument


class Step(StrEnum):
    """The steps of a referral, in the order of the journey.

    PLANNED: a plan was agreed or a service was added to it. ACCEPTED: a service said yes. VISITED: the person
    came to a service for the first time, by which the programme is measured.
    """

    REFERRED = "referred"
    BOOKED = "booked"
    MET = "met"
    PLANNED = "planned"
    ACCEPTED = "accepted"
    VISITED = "visited"


STEPS: Final = tuple(Step)


class LeadTime(StrEnum):
    """Days between booking a meeting and holding it. The longer the lead, the fewer people attend."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"
    WEEK = "week"
    LONGER = "longer"


class Answer(StrEnum):
    """The answer of a community service to a request."""

    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    FULL = "full"
    NOT_SUITABLE = "not_suitable"
    SILENT = "silent"


# The four questions on well-being, in the order of the Office for National Statistics.
ITEMS: Final = tuple(QUESTIONNAIRES[Instrument.ONS4])

LOW_IS_GOOD: Final = frozenset({"anxious"})
