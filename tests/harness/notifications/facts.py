"""Builds facts about a referral, as the services would publish them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralAgreement, ReferralCreated
from tests.harness.history.sources import RankedBy

# A Tuesday afternoon in winter, when London time is UTC.
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
MEETING = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)

_RANKS: Mapping[str, int] = {
    **dict.fromkeys(("booking", "casework", "directory", "matching"), 40),
    "referral": 30,
    "evaluation": 20,
    "partner": 10,
}


SOURCES = RankedBy(lambda source: _RANKS.get(source.rsplit("/", 1)[-1], 0))


def numbered_id(number: int) -> str:
    """The id that stands for a number in a test."""
    return f"00000000-0000-7000-8000-{number:012d}"


def _who_says(body: EventBody) -> str:
    """The source of a fact for which a test names none."""
    return "referral" if isinstance(body, o.PersonErased | o.ContactChanged) else "matching"


@dataclass
class FactBuilder:
    """Builds facts about one referral, each with an id of its own, recorded at `now`."""

    locality: str = "meir"
    referral_id: str = numbered_id(1)
    now: datetime = NOW
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def fact(self, body: EventBody, by: str | None = None, recorded: datetime | None = None) -> Fact:
        event = self.envelope(body, by, recorded)
        return Fact(event.source, event.id, event.event, event.time, event.recorded, body)

    def envelope(self, body: EventBody, by: str | None = None, recorded: datetime | None = None) -> Envelope:
        at = recorded or self.now
        return Envelope(
            id=f"00000000-0000-7000-9000-{next(self._ids):012d}",
            source=f"/{self.locality}/{by or _who_says(body)}",
            event=event_of(body),
            time=at,
            recorded=at,
            body=body,
            raw=body.model_dump_json(exclude_none=True).encode(),
        )

    def created(self, contact: v.SafeToText = v.SafeToText.YES, **more: Any) -> ReferralCreated:
        fields: dict[str, Any] = {
            "practice": "M83100",
            "person_ref": numbered_id(900),
            "route": v.Route.PRACTICE,
            "age_band": v.AgeBand.FROM_65,
            "needs": (v.Need.DEBT,),
            "agreement": ReferralAgreement(by=v.AgreedBy.PERSON, how=v.AgreedHow.IN_PERSON, at=self.now),
            "risk": v.Risk.NONE_KNOWN,
            "contact": contact,
        }
        return ReferralCreated(referral_id=self.referral_id, locality=self.locality, **(fields | more))

    def booked(self, number: int = 10, **more: Any) -> MeetingBooked:
        fields: dict[str, Any] = {
            "meeting_id": numbered_id(number),
            "sequence": 0,
            "link_worker": f"lw-{self.locality}-1",
            "practice": "M83100",
            "starts_at": MEETING,
            "minutes": 45,
        }
        return MeetingBooked(referral_id=self.referral_id, locality=self.locality, **(fields | more))

    def cancelled(self, number: int = 10, why: v.CancelReason = v.CancelReason.UNWELL) -> o.MeetingCancelled:
        return o.MeetingCancelled(**self._who(), meeting_id=numbered_id(number), by=v.By.PERSON, why=why)

    def attended(self, number: int = 10) -> o.MeetingAttended:
        return o.MeetingAttended(**self._who(), meeting_id=numbered_id(number))

    def missed(self, number: int = 10) -> o.MeetingMissed:
        return o.MeetingMissed(**self._who(), meeting_id=numbered_id(number))

    def contact_attempted(self) -> o.ContactAttempted:
        return o.ContactAttempted(**self._who(), channel=v.Channel.PHONE, reached=True)

    def waiting(
        self,
        expected_by: date = date(2026, 12, 1),
        reason: v.WaitingReason = v.WaitingReason.NO_SLOT,
    ) -> o.MeetingWaiting:
        return o.MeetingWaiting(**self._who(), reason=reason, expected_by=expected_by)

    def prescribed(self, number: int = 20, *, signposted: bool = False) -> o.ServicePrescribed:
        return o.ServicePrescribed(
            **self._who(),
            prescription_id=numbered_id(number),
            service_id=numbered_id(number + 500),
            need=v.Need.DEBT,
            signposted=signposted,
        )

    def replied(self, number: int = 20) -> o.ProviderReplied:
        return o.ProviderReplied(**self._who(), prescription_id=numbered_id(number), reply=v.Reply.ACCEPTED)

    def closed(self, reason: v.CloseReason = v.CloseReason.COMPLETED) -> o.ReferralClosed:
        return o.ReferralClosed(**self._who(), reason=reason)

    def erased(self) -> o.PersonErased:
        return o.PersonErased(**self._who(), person_ref=numbered_id(900))

    def retracted(self, fact: Fact | Envelope) -> o.Retracted:
        return o.Retracted(
            **self._who(), event_source=fact.source, event_id=fact.id, reason=v.RetractReason.UNDONE
        )

    def _who(self) -> dict[str, Any]:
        return {"referral_id": self.referral_id, "locality": self.locality}


def in_hours(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)
