"""The events about one referral, as a partner's system would publish them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deploy.demo.chance import stable_id
from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import EventBody, MeetingBooked

SOURCE_NAME = "history"
ENDINGS = (o.ReferralClosed, o.ReferralDeclined, o.ReferralReturned, o.ReferralWithdrawn)


class Journal:
    """Collects events. Leaves out events after `until`, when the record is handed over."""

    def __init__(self, locality: str, key: str, began: datetime, until: datetime) -> None:
        self.locality = locality
        self.key = key
        self.referral_id = stable_id(began, key, "referral")
        self.source = f"/{locality}/{SOURCE_NAME}"
        self.until = until
        self.events: list[Envelope] = []
        self._pending: set[str] = set()
        self._attended = False
        self._ended = False

    @property
    def settled(self) -> bool:
        """Tests that no meeting lies ahead, and that the person has been met or the referral has ended."""
        return not self._pending and (self._attended or self._ended)

    def id_at(self, moment: datetime, *key: object) -> str:
        """An id for this referral's meetings, prescriptions and goals."""
        return stable_id(moment, self.key, *key)

    def say(self, moment: datetime, kind: type[EventBody], **fields: Any) -> str:
        """Adds an event of that moment. Returns its id, whether or not it lies after the end."""
        body = kind(referral_id=self.referral_id, locality=self.locality, **fields)
        event_id = self.id_at(moment, len(self.events), kind.__name__)
        if moment <= self.until:
            raw = body.to_json()
            self.events.append(Envelope(event_id, self.source, event_of(body), moment, self.until, body, raw))
            self._follow(body)
        return event_id

    def _follow(self, body: EventBody) -> None:
        if isinstance(body, MeetingBooked):
            self._pending.discard(body.replaces or "")
            self._pending.add(body.meeting_id)
        elif isinstance(body, o.MeetingAttended | o.MeetingMissed | o.MeetingCancelled):
            self._pending.discard(body.meeting_id)
            self._attended |= isinstance(body, o.MeetingAttended)
        elif isinstance(body, ENDINGS):
            self._ended = True
        elif isinstance(body, o.ReferralReopened):
            self._ended = False
