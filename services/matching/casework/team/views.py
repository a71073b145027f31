"""Values of a team's pages and API. None holds a person's name; link workers are staff."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.matching.booking.handing import WhatBecomes
from services.matching.referral_state.views import CaseLine
from services.matching.roster.covers import CoverReason


@dataclass(frozen=True, slots=True)
class CoverShown:
    """A cover with the names of its link workers.

    `until`: its end, also if the cover was ended before its time.
    """

    referral_id: str
    link_worker: str
    name: str
    whose: str | None
    reason: CoverReason
    at: datetime
    until: datetime
    stands: bool


@dataclass(frozen=True, slots=True)
class Covered:
    """A case that the reader covers, and the name of its own link worker."""

    case: CaseLine
    whose: str | None
    reason: CoverReason
    until: datetime


class WaitsFor(StrEnum):
    """Reasons why a case stands in the team's queue."""

    NOBODY = "nobody"
    AWAY = "away"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A case of the team that waits for somebody.

    `may_take`: the reader meets people of its practice.
    """

    case: CaseLine
    waits_for: tuple[WaitsFor, ...]
    whose: str | None
    may_take: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect of a hand-over on one case, and whether the colleague can take it.

    `refusal`: the code of the reason why not; None if they can.
    """

    case: CaseLine
    meeting: datetime | None
    becomes: WhatBecomes
    at: datetime | None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One case of a hand-over.

    `refusal`: the code of the reason why it stayed; None if it went. `undone`: it was taken back.
    """

    referral_id: str
    became: WhatBecomes
    meeting: datetime | None
    refusal: str | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class HandOverShown:
    """A hand-over of one or many cases at once.

    `undo_until`: the moment until which it can be undone; None if the reader may not, or nothing is left.
    """

    batch: str
    at: datetime
    to: str
    to_name: str
    cases: tuple[HandedOver, ...]
    undo_until: datetime | None
