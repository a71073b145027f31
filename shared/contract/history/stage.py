"""The stage of a referral: how far it has come, the same word in every service and on every page."""

from enum import StrEnum

from shared.contract.history.creation import CREATION, ENDINGS
from shared.contract.history.meetings import MEETINGS
from shared.contract.history.model import ReferralHistory
from shared.contract.history.prescriptions import PRESCRIPTIONS
from shared.contract.history.section import Section


class Stage(StrEnum):
    """The stages in the order of a journey."""

    UNKNOWN = "unknown"  # Facts have arrived about a referral whose creation has not.
    WAITING = "waiting"
    BOOKED = "booked"
    MISSED = "missed"
    MET = "met"
    PRESCRIBED = "prescribed"
    STARTED = "started"
    DECLINED = "declined"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    ERASED = "erased"


def stage_of(story: ReferralHistory) -> Stage:
    """The stage of a history. An ending comes before how far the referral had come."""
    if story.erased:
        return Stage.ERASED
    if story.created is None:
        return Stage.UNKNOWN
    if story.endings:
        return Stage(story.endings[-1].kind)
    if story.first_visit is not None:
        return Stage.STARTED
    if story.prescriptions:
        return Stage.PRESCRIBED
    if story.active is not None:
        return Stage.BOOKED
    if story.attended:
        return Stage.MET
    return Stage.MISSED if story.missed and story.waiting is None else Stage.WAITING


# Derived from other sections. The version is raised when `stage_of` gives another stage.
STAGE = Section(name="stage", version=3, needs=(CREATION, ENDINGS, MEETINGS, PRESCRIPTIONS))
