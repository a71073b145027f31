"""The history of a referral as codes and times, for readers who may see it.

The practice sees an agreed plan, a prescribed service and a first visit. It never sees scores, notes,
names of services, or anything about a sensitive need.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.history import MEETINGS, EffectiveFacts, ReferralHistory, SourceTable, fold_referral
from shared.contract.history.days import day_of
from shared.contract.history.model import EventRef


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of the history: a kind, a day in London, and codes by field.

    `at` may be the time at which the entry was recorded, later than `on`.
    """

    kind: str
    at: datetime
    on: date
    detail: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The entry as one flat dictionary."""
        return {"kind": self.kind, "at": self.at, "on": self.on, **self.detail}


# Fields shown for each kind. A kind that is not listed is not shown.
_SHOWN: dict[type[EventBody], tuple[str, ...]] = {
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


# Details of the plan: a practice sees them only if the person agreed.
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


def history_of(facts: Sequence[Fact], sources: SourceTable, *, details: bool = True) -> list[HistoryEntry]:
    """The history without retracted facts, oldest first. Without `details`: only what the stage rests on."""
    effective, story = EffectiveFacts(facts, sources), fold_referral(facts, sources, (MEETINGS,))
    hidden = {p.prescription_id for p, _ in effective.of(o.ServicePrescribed) if p.need is v.Need.SENSITIVE}
    entries = [
        _entry(body, event, story)
        for kind in _SHOWN
        if details or kind not in _OF_THE_PLAN
        for body, event in effective.of(kind)
        if not _is_next_step_only(body)
        and getattr(body, "need", None) is not v.Need.SENSITIVE
        and getattr(body, "prescription_id", None) not in hidden
    ]
    entries.sort(key=lambda entry: (entry.on, entry.at, entry.kind))
    visits = [entry for entry in entries if entry.kind == "activity_started"]
    return entries if details else [each for each in entries if each not in visits[1:]]


def _is_next_step_only(body: EventBody) -> bool:
    """True if the link worker only chose a next step, and the referral kept its link worker."""
    return isinstance(body, o.LinkWorkerChanged) and body.next_step is not None


def _entry(body: EventBody, event: EventRef, story: ReferralHistory) -> HistoryEntry:
    detail = {field: getattr(body, field) for field in _SHOWN[type(body)]}
    return HistoryEntry(_kind(body), event.time, day_of(body, event, story), detail)


def _kind(body: EventBody) -> str:
    if isinstance(body, ReferralCreated):
        return "referral_created"
    return "meeting_booked" if isinstance(body, MeetingBooked) else str(getattr(body, "kind", "unknown"))
