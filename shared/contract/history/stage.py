"""How far a referral has come, in one word: the same word in every part and on every page."""

from enum import StrEnum

from shared.contract.history.model import ReferralHistory


class Stage(StrEnum):
    """In the order in which a journey goes."""

    UNKNOWN = "unknown"
    """Facts have been heard about a referral whose creation has not."""
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
    """The stage of a story; what ended it comes before how far it had come."""
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
