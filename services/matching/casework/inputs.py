"""Inputs of the commands on a case. Texts go to the vault; commands receive the ids of the stored texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep


@dataclass(frozen=True, slots=True)
class GoalSaid:
    """One goal in the person's own words. `words` go to the vault; importance and confidence are 1-10."""

    need: v.Need
    words: str = ""
    importance: int | None = None
    confidence: int | None = None
    action: v.ActionCode | None = None
    review_on: date | None = None


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """The link worker's record of a meeting. Texts go to the vault, the rest becomes events.

    `ons4` holds the answers given, by item (satisfied, worthwhile, happy, anxious: 0-10); a skipped item is
    left out. At most three goals. `next_step` may be left out only where one follows from the case.
    """

    needs: tuple[v.Need, ...] = ()
    what_matters: str = ""
    goals: tuple[GoalSaid, ...] = ()
    ons4: Mapping[str, int] = field(default_factory=dict)
    # None: decided by the case, see `stage_now`.
    ons4_stage: v.Stage | None = None
    note: str = ""
    next_step: NextStep | None = None
    details_to_gp: v.Agreed = v.Agreed.NOT_ASKED
    follow_up: v.Agreed = v.Agreed.NOT_ASKED


@dataclass(frozen=True, slots=True)
class NextMeeting:
    """The meeting of a case that is opened again.

    `slot` is a time (a `Slot.key`). `not_before`: the person can meet from that day on, and no earlier time
    is booked. With neither, a case without any meeting so far gets the next suitable time. Other cases get
    none.
    """

    slot: str | None = None
    not_before: date | None = None


NEXT_SUITABLE: Final = NextMeeting()


@dataclass(frozen=True, slots=True)
class Contact:
    """A call or a message to the person, and whether it reached them."""

    channel: v.Channel
    reached: bool
    note: str = ""
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class UnmetNeed:
    """A need for which nothing suits, and why."""

    need: v.Need
    reason: v.UnmetReason
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class HandingOver:
    """The way in which a case goes to a colleague. `note`: a text for them, which goes to the vault.

    `keeps_time`: the meeting keeps its time if the colleague is free then. `batch`: the hand-over of several
    cases to which this one belongs.
    """

    note: str = ""
    keeps_time: bool = False
    batch: str | None = None


PLAINLY: Final = HandingOver()


@dataclass(frozen=True, slots=True)
class Retraction:
    """A fact of the history to undo, by its source and event id."""

    source: str
    event_id: str
    reason: v.RetractReason = v.RetractReason.UNDONE


@dataclass(frozen=True, slots=True)
class Closure:
    """The end of a case."""

    reason: v.CloseReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decline:
    """A case that does not begin, and who declined it."""

    by: v.By
    reason: v.DeclineReason


@dataclass(frozen=True, slots=True)
class Return:
    """A referral that goes back to its referrer."""

    reason: v.ReturnReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reopen:
    """A case that begins anew, with the chosen meeting."""

    note: str = ""
    next_step: NextStep | None = None
    meeting: NextMeeting = NEXT_SUITABLE
