"""The decisions of a small booking part, with a switch for each clause that it can break. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from conformance.events import Event
from conformance.meetings import Meeting, Referral
from conformance.sources import Sources

LONDON = ZoneInfo("Europe/London")
DAYS = 40
STEP = timedelta(minutes=30)
OLD = timedelta(hours=1)
_HALVES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Said = tuple[str, dict[str, Any]]
Taken = Mapping[str, list[tuple[datetime, datetime, str]]]


@dataclass(frozen=True)
class Setting:
    """What a decision rests on beside the referral's facts."""

    now: datetime
    workers: Mapping[str, Mapping[str, Any]]
    taken: Taken
    faults: Collection[str]
    source: str
    sources: Sources


def decide(facts: list[Event], state: Referral, setting: Setting) -> list[Said]:
    """What the part says now about a referral: kinds and bodies without ids of the referral."""
    faults = setting.faults
    if not any(each.kind == "referral_created" for each in facts) or "answers nobody" in faults:
        return []
    if state.ended and "answers the ended" not in faults:
        return [] if "keeps meetings of the ended" in faults else _all_cancelled(state)
    if lost := _lost(facts, state, setting):
        return lost
    if (state.active is not None and "books beside others" not in faults) or (
        state.met and "books after meeting" not in faults
    ):
        return []
    return _arranged(facts, state, setting)


def _all_cancelled(state: Referral) -> list[Said]:
    return [
        _cancelled(each.id, "programme", "referral_ended")
        for each in state.meetings
        if each.status == "booked"
    ]


def _cancelled(meeting: str, by: str, why: str) -> Said:
    return "meeting_cancelled", {"meeting_id": meeting, "by": by, "why": why}


def _lost(facts: list[Event], state: Referral, setting: Setting) -> list[Said]:
    found, faults = [], setting.faults
    for each in state.meetings:
        mine = each.booking.source == setting.source
        lost = each is not state.active or (state.met and "books after meeting" not in faults)
        if each.status == "booked" and mine and lost and "keeps what lost" not in faults:
            found.append(_cancelled(each.id, "programme", "slot_taken"))
    active = state.active
    if active is None or found:
        return found
    worker, starts = active.booking.data["link_worker"], _starts(active.booking)
    named = _named(facts, setting)
    if named is not None and worker != named:
        if "ignores changes of link worker" not in faults:
            return [_cancelled(active.id, "link_worker", "link_worker_away")]
    elif _away(setting.workers.get(worker), starts) and "ignores leave" not in faults:
        return [_cancelled(active.id, "link_worker", "link_worker_away")]
    return []


def _arranged(facts: list[Event], state: Referral, setting: Setting) -> list[Said]:
    faults = setting.faults
    created = max((f for f in facts if f.kind == "referral_created"), key=lambda f: f.id)
    missed = [each for each in state.meetings if each.status == "missed"]
    today = setting.now.astimezone(LONDON).date()
    asked = [each for each in state.waiting if each.data["reason"] == "asked_later"]
    if asked and asked[-1].data["expected_by"] > today.isoformat() and "ignores later" not in faults:
        return []
    if missed and "never books again" in faults:
        return []
    if len(missed) > 1 and "books after two misses" not in faults:
        by = today + timedelta(days=7)
        return [] if _waits(state, "person_not_reached") else [_waiting("person_not_reached", by.isoformat())]
    slot = slots(created, facts, state, setting, 1)
    if slot:
        return [("meeting_booked", booking(slot[0], state, faults))]
    soon = created.data.get("urgency") == "soon"
    by = today + timedelta(days=60 if "promises too late" in faults else 7 if soon else 14)
    reason = "no_link_worker" if "home_visit" in created.data.get("access_needs", ()) else "no_slot"
    return [] if _waits(state, reason) else [_waiting(reason, by.isoformat())]


def _named(facts: list[Event], setting: Setting) -> str | None:
    """The link worker to whom the case was handed over, by those who may say so (F15)."""
    creators = {f.source for f in facts if f.kind == "referral_created" and setting.sources.weight(f.source)}
    changed = [
        f
        for f in facts
        if f.kind == "link_worker_changed"
        and (f.source in creators or "casework" in setting.sources.parts(f.source))
    ]
    return str(max(changed, key=lambda each: each.id).data["link_worker"]) if changed else None


def _waits(state: Referral, reason: str) -> bool:
    return any(each.data["reason"] == reason for each in state.waiting)


def _waiting(reason: str, by: str) -> Said:
    return "meeting_waiting", {"reason": reason, "expected_by": by}


def slots(
    created: Event, facts: list[Event], state: Referral, setting: Setting, count: int
) -> list[dict[str, Any]]:
    """The earliest suitable times."""
    data, faults, found = created.data, setting.faults, []
    named = _named(facts, setting)
    home = "home_visit" in data.get("access_needs", ())
    fit = [
        each
        for each in setting.workers.values()
        if each["active"] and (each["home_visits"] or not home) and named in (None, each["id"])
    ]
    language = data.get("language", "en")
    if "ignores languages" not in faults:
        fit = [each for each in fit if language in each["languages"]] or fit
    notice = timedelta(days=3) if data.get("interpreter") else timedelta(hours=2)
    given_up = {
        (each.booking.data["link_worker"], each.booking.data["starts_at"])
        for each in state.meetings
        if "offers the same time" not in faults
    }
    for day in range(DAYS):
        start = datetime.combine(setting.now.astimezone(LONDON).date() + timedelta(days=day), time(9), LONDON)
        while start.time() < time(17):
            begins = start.astimezone(UTC)
            for worker in fit:
                key = (worker["id"], _text(begins))
                if begins < setting.now + notice or key in given_up or _away(worker, begins):
                    continue
                if start.weekday() > 4 or _half(start) in data.get("cannot_come", ()):
                    continue
                if _free(setting.taken.get(worker["id"], []), begins) or "books twice" in faults:
                    found.append(_slot(worker, begins, data["practice"], home=home))
                if len(found) == count:
                    return found
            start += STEP
    return found


def _slot(worker: Mapping[str, Any], begins: datetime, practice: str, *, home: bool) -> dict[str, Any]:
    return {
        "link_worker": worker["id"],
        "practice": practice,
        "starts_at": _text(begins),
        "minutes": 30,
        "mode": "home" if home else "face_to_face",
    }


def booking(
    slot: Mapping[str, Any], state: Referral, faults: Collection[str], *, agreed: bool = False
) -> dict[str, Any]:
    """The body of a booking of this time, after the referral's last meeting."""
    last: Meeting | None = state.meetings[-1] if state.meetings else None
    body = {"meeting_id": str(uuid4()), "sequence": last.sequence + 1 if last else 0, **slot}
    body["provisional"] = not agreed and "says yes for people" not in faults
    if last is not None and "forgets what it replaces" in faults:
        body["sequence"] = last.sequence + 1
    elif last is not None and not _ended_with(last):
        body["replaces"] = last.id
    return body


def _ended_with(meeting: Meeting) -> bool:
    return meeting.status in ("attended", "cancelled") and meeting.why == "referral_ended"


def _starts(event: Event) -> datetime:
    return datetime.fromisoformat(event.data["starts_at"]).astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _half(local: datetime) -> str:
    return f"{_HALVES[local.weekday()]}_{'am' if local.hour < 12 else 'pm'}"


def _away(worker: Mapping[str, Any] | None, moment: datetime) -> bool:
    day = moment.astimezone(LONDON).date().isoformat()
    return worker is not None and any(leave["first"] <= day <= leave["last"] for leave in worker["leave"])


def _free(taken: list[tuple[datetime, datetime, str]], begins: datetime) -> bool:
    return all(begins + STEP <= start or end <= begins for start, end, _ in taken)
