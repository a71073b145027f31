"""A partner's events about its referrals, drawn from a seed, so that a run can be repeated."""

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from chaos.says import Saying, saying

UNMET = ("no_service", "full", "too_far", "cost")
LINK_WORKERS = 2  # In each locality. A partner books in their diaries too.
# Days. A partner books beyond Linkwork's horizon, each day once, so that its bookings never overlap.
BEYOND = 70
NEEDS = ("debt", "benefits", "housing", "befriending", "exercise", "gardening", "caring", "bereavement")
ONS4 = ("satisfied", "worthwhile", "happy", "anxious")
RECORDED = timedelta(days=3)  # The age of a history, for which no messages are sent.


class Partner:
    """The referrals of one locality, made by these `practices` (ODS codes)."""

    def __init__(self, locality: str, practices: list[str], chance: random.Random) -> None:
        self.locality = locality
        self._practices = practices
        self._chance = chance
        self._booked_ahead = 0

    def new_id(self) -> str:
        """A random id of the seed."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def referral(self, now: datetime) -> tuple[str, Saying]:
        """A new referral that needs a meeting."""
        referral = self.new_id()
        return referral, self._created(referral, now)

    def history(self, now: datetime) -> list[Saying]:
        """A referral with its own meeting and the outcome. The creation comes last."""
        referral, then = self.new_id(), now - RECORDED
        said = [saying(self.locality, *each) for each in self._course(referral, then)]
        if self._chance.random() < 0.05:
            said.append(self._undone("retracted", "event", referral, self._chance.choice(said), then))
        *_, last = said
        if b'"referral_closed"' in last.value and self._chance.random() < 0.1:
            said.append(self._undone("referral_reopened", "ends", referral, last, then))
        return [*said, self._created(referral, then)]

    def outcomes(self, referral: str, meeting: str, now: datetime) -> list[Saying]:
        """The end of a meeting that was found: cancelled, missed or attended.

        Or the partner books a meeting of its own, or retracts an event.
        """
        kinds = ("cancelled", "missed", "held", "withdrawn", "booked")
        kind = self._chance.choices(kinds, (6, 4, 8, 2, 2))[0]
        if kind == "booked":
            return [self._another(referral, meeting, now)]
        if kind == "cancelled":
            given_up = {
                "kind": "meeting_cancelled",
                "meeting_id": meeting,
                "by": "person",
                "why": "another_time",
            }
            told: list[dict[str, Any]] = [given_up]
        elif kind == "missed":
            told = [{"kind": "meeting_missed", "meeting_id": meeting}]
        elif kind == "withdrawn":
            told = [{"kind": "referral_withdrawn", "by": "person", "reason": "person_asked"}]
        else:
            told = [
                {"kind": "meeting_attended", "meeting_id": meeting},
                {"kind": "plan_agreed", "plan_id": self.new_id(), "needs": [self._chance.choice(NEEDS)]},
            ]
        said = [self._outcome(referral, body, now) for body in told]
        if kind == "withdrawn" and self._chance.random() < 0.4:
            return [*said, self._undone("referral_reopened", "ends", referral, said[0], now)]
        if self._chance.random() < 0.1:
            return [*said, self._undone("retracted", "event", referral, said[0], now)]
        return said

    def _another(self, referral: str, meeting: str, now: datetime) -> Saying:
        """A meeting beside the one that was found: it wins, replaces it by name, loses, or has no effect.

        A meeting with sequence 900 has no effect, as none with 899 was published.
        """
        self._booked_ahead += 1
        starts_at = (now + timedelta(days=BEYOND + self._booked_ahead)).replace(microsecond=0)
        body = {
            "referral_id": referral,
            **self._booked(now),
            "sequence": self._chance.choice((0, 1, 900)),
            "link_worker": f"lw-{self.locality}-{self._chance.randint(1, LINK_WORKERS)}",
            "starts_at": starts_at.isoformat(),
        }
        if self._chance.random() < 0.3:
            body["replaces"] = meeting
        return saying(self.locality, "meeting-booked", self.new_id(), now, body)

    def _undone(self, kind: str, what: str, referral: str, said: Saying, moment: datetime) -> Saying:
        """The event that retracts this event."""
        named = {name: (value or b"").decode() for name, value in said.headers}
        body = {"kind": kind, f"{what}_source": named["ce_source"], f"{what}_id": named["ce_id"]}
        if kind == "retracted":
            body["reason"] = "entered_in_error"
        return self._outcome(referral, body, moment)

    def of_one(self, event: str, now: datetime) -> Callable[[], Saying]:
        """Single events of this name, each about a referral of its own with few other events."""

        def created() -> Saying:
            return self.referral(now)[1]

        def booked() -> Saying:
            body = {"referral_id": self.new_id(), **self._booked(now)}
            return saying(self.locality, "meeting-booked", self.new_id(), now, body)

        def outcome() -> Saying:
            body = {"kind": "contact_attempted", "channel": "phone", "reached": False}
            return self._outcome(self.new_id(), body, now)

        return {"referral-created": created, "meeting-booked": booked, "outcome-recorded": outcome}[event]

    def of_an_unknown_kind(self, now: datetime) -> Saying:
        """An outcome that only a later version can read."""
        return self._outcome(self.new_id(), {"kind": "something_new", "and": "more"}, now)

    def _created(self, referral: str, moment: datetime) -> Saying:
        body = {
            "referral_id": referral,
            "practice": self._chance.choice(self._practices),
            "person_ref": self.new_id(),
            "route": "self",
            "age_band": self._chance.choice(("25-34", "55-64", "75-84")),
            "needs": self._chance.sample(NEEDS, self._chance.randint(1, 3)),
            "agreement": {"by": "person", "how": "phone", "at": moment.isoformat()},
            "risk": "none_known",
            "contact": "ring",
        }
        return saying(self.locality, "referral-created", self.new_id(), moment, body)

    def _outcome(self, referral: str, body: dict[str, Any], moment: datetime) -> Saying:
        whole = {"referral_id": referral, **body}
        return saying(self.locality, "outcome-recorded", self.new_id(), moment, whole)

    def _course(self, referral: str, then: datetime) -> Iterator[tuple[Any, str, datetime, dict[str, Any]]]:
        prescription = self.new_id()
        booked = self._booked(then)
        meeting = booked["meeting_id"]
        came = self._chance.random() < 0.85
        told: list[dict[str, Any]] = [
            {"kind": "meeting_attended" if came else "meeting_missed", "meeting_id": meeting}
        ]
        if came:
            need = self._chance.choice(NEEDS)
            told += [
                {"kind": "measured", "instrument": "ons4", "stage": "before", **self._answers(then)},
                {
                    "kind": "service_prescribed",
                    "prescription_id": prescription,
                    "service_id": self.new_id(),
                    "need": need,
                },
                {"kind": "provider_replied", "prescription_id": prescription, **self._reply()},
                self._start(prescription, then),
            ]
            if self._chance.random() < 0.15:
                reason = self._chance.choice(UNMET)
                told.append({"kind": "need_unmet", "need": self._chance.choice(NEEDS), "reason": reason})
            if self._chance.random() < 0.3:
                later = self._answers(then + timedelta(days=2))
                told.append({"kind": "measured", "instrument": "ons4", "stage": "after", **later})
        if not came and self._chance.random() < 0.3:
            told.append({"kind": "referral_declined", "by": "person", "reason": "does_not_want"})
        elif not came or self._chance.random() < 0.4:
            told.append({"kind": "referral_closed", "reason": "completed" if came else "not_reached"})
        yield "meeting-booked", self.new_id(), then, {"referral_id": referral, **booked}
        for body in told:
            yield "outcome-recorded", self.new_id(), then, {"referral_id": referral, **body}

    def _booked(self, then: datetime) -> dict[str, Any]:
        return {
            "meeting_id": self.new_id(),
            "sequence": 0,
            "link_worker": self.new_id(),
            "practice": self._chance.choice(self._practices),
            "starts_at": (then + timedelta(days=self._chance.choice((0, 1, 2)))).isoformat(),
            "minutes": 45,
        }

    def _answers(self, then: datetime) -> dict[str, Any]:
        scores = {item: self._chance.randint(0, 10) for item in ONS4}
        return {"on": then.date().isoformat(), "scores": scores}

    def _reply(self) -> dict[str, Any]:
        return self._chance.choice(
            ({"reply": "accepted"}, {"reply": "full"}, {"reply": "waiting_list", "weeks": 6})
        )

    def _start(self, prescription: str, then: datetime) -> dict[str, Any]:
        if self._chance.random() < 0.6:
            day = (then + timedelta(days=1)).date().isoformat()
            return {"kind": "activity_started", "prescription_id": prescription, "on": day}
        return {"kind": "activity_not_started", "prescription_id": prescription, "barrier": "transport"}
