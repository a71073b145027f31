"""What has happened with a referral, as codes and times, for those who may see it.

The practice sees that a plan was agreed, a service asked and a first visit made; never scores, notes, which
service, or anything about a need that is sensitive.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history import ReferralHistory
from shared.contract.history.days import day_of
from shared.contract.history.fold import EffectiveFacts, SourcePriority, fold_referral
from shared.contract.history.model import EventRef


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened: its kind, when, and codes that say more."""

    kind: str
    at: datetime
    on: date
    """The day on which it happened, in London; `at` may be when that was recorded."""
    detail: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "at": self.at, "on": self.on, **self.detail}


# Which fields of which kind are told. A kind that is not named here is not told.
_TOLD: dict[type[EventBody], tuple[str, ...]] = {
    ReferralCreated: ("route", "urgency"),
    MeetingBooked: ("starts_at", "minutes", "mode", "practice", "link_worker", "sequence"),
    o.MeetingWaiting: ("reason", "expected_by"),
    o.MeetingAttended: (),
    o.MeetingMissed: (),
    o.MeetingCancelled: ("by", "why"),
    o.LinkWorkerChanged: ("link_worker",),
    o.ContactAttempted: ("channel", "reached"),
    o.PlanAgreed: ("revision",),
    o.ServicePrescribed: ("need", "signposted"),
    o.ProviderReplied: ("reply",),
    o.ActivityStarted: (),
    o.ActivityNotStarted: ("barrier",),
    o.ActivityEnded: ("reason",),
    o.NeedUnmet: ("need", "reason"),
    o.ReferralDeclined: ("by", "reason"),
    o.ReferralReturned: ("reason",),
    o.ReferralWithdrawn: ("by", "reason"),
    o.ReferralClosed: ("reason",),
    o.ReferralReopened: (),
    o.ContactChanged: (),
    o.PersonErased: (),
}


_OF_THE_PLAN: Set[type[EventBody]] = frozenset(
    {
        o.PlanAgreed,
        o.ServicePrescribed,
        o.ProviderReplied,
        o.ActivityNotStarted,
        o.ActivityEnded,
        o.NeedUnmet,
    }
)
"""Details of the plan: told only where the person said that their GP may see them."""


def history_of(facts: Sequence[Fact], rank: SourcePriority, *, details: bool = True) -> list[HistoryEntry]:
    """What happened and was not taken back, oldest first; without `details`, what the stage rests on."""
    told, story = EffectiveFacts(facts, rank), fold_referral(facts, rank)
    hidden = {p.prescription_id for p, _ in told.of(o.ServicePrescribed) if p.need is v.Need.SENSITIVE}
    happenings = [
        _happening(body, said, story)
        for kind in _TOLD
        if details or kind not in _OF_THE_PLAN
        for body, said in told.of(kind)
        if not _step_alone(body)
        and getattr(body, "need", None) is not v.Need.SENSITIVE
        and getattr(body, "prescription_id", None) not in hidden
    ]
    happenings.sort(key=lambda happening: (happening.on, happening.at, happening.kind))
    visits = [happening for happening in happenings if happening.kind == "activity_started"]
    return happenings if details else [each for each in happenings if each not in visits[1:]]


def _step_alone(body: EventBody) -> bool:
    """Whoever has the case says what is next: nobody took it over."""
    return isinstance(body, o.LinkWorkerChanged) and body.next_step is not None


def _happening(body: EventBody, said: EventRef, story: ReferralHistory) -> HistoryEntry:
    detail = {field: getattr(body, field) for field in _TOLD[type(body)]}
    return HistoryEntry(_kind(body), said.time, day_of(body, said, story), detail)


def _kind(body: EventBody) -> str:
    if isinstance(body, ReferralCreated):
        return "referral_created"
    return "meeting_booked" if isinstance(body, MeetingBooked) else str(getattr(body, "kind", "unknown"))
