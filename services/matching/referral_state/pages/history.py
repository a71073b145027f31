"""The history of a case in plain words: one sentence for each fact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from services.matching.referral_state.presenter import booked_by
from services.matching.referral_state.views import CaseShown, FactLine
from services.matching.web.grammar import lower_first, plural
from shared.contract import labels
from shared.platform.clock import LONDON
from shared.platform.web.dates import day_and_time, short_day

Detail = Mapping[str, Any]
# Kinds whose author the history names, if it is not our own booking.
_OF_BOOKING: Final = frozenset({"meeting_booked", "meeting_cancelled", "meeting_waiting"})


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of the history. If `undo`, its fact can be undone by source and event id."""

    sentence: str
    happened: date
    undo: bool
    undone: bool
    source: str
    event_id: str
    note: str | None


@dataclass(frozen=True, slots=True)
class CaseNames:
    """Names within one case: services by prescription id, start times by meeting id."""

    services: Mapping[str, str]
    meetings: Mapping[str, datetime]

    @classmethod
    def of(cls, case: CaseShown) -> "CaseNames":
        """The names of this case."""
        return cls(
            {each.prescription_id: each.service for each in case.prescriptions},
            {each.meeting_id: each.starts_at for each in case.meetings},
        )

    def service(self, detail: Detail) -> str:
        """The name of the service of a fact's detail."""
        return self.services.get(str(detail.get("prescription_id")), "a service")

    def meeting(self, detail: Detail) -> str:
        """The day of the meeting of a fact's detail, in words; empty if unknown."""
        starts_at = self.meetings.get(str(detail.get("meeting_id")))
        return f" on {short_day(starts_at)}" if starts_at else ""


def history_lines(case: CaseShown) -> list[HistoryLine]:
    """The history of a case as sentences, the latest day first."""
    names = CaseNames.of(case)
    return [
        HistoryLine(
            sentence(fact, names), fact.on, fact.undo, fact.undone, fact.source, fact.event_id, fact.note
        )
        for fact in sorted(case.history, key=lambda fact: fact.on, reverse=True)
        if fact.kind != "retracted"
    ]


def sentence(fact: FactLine, names: CaseNames) -> str:
    """The sentence of a fact. A kind of a later version gets a sentence that says so."""
    if fact.kind == "meeting_attended" and (sooner := _sooner(fact, names)):
        return sooner
    say = _SENTENCES.get(fact.kind)
    if say is None:
        return "Something that this version does not know yet"
    by = booked_by(fact.source) if fact.kind in _OF_BOOKING else None
    return f"{say(fact.detail, names)} (by {by})" if by else say(fact.detail, names)


def _sooner(fact: FactLine, names: CaseNames) -> str:
    """The sentence for a meeting held on an earlier day than booked, or an empty text."""
    booked = names.meetings.get(str(fact.detail.get("meeting_id")))
    if booked is None or booked.astimezone(LONDON).date() <= fact.time.astimezone(LONDON).date():
        return ""
    return f"Came, sooner than the appointment booked for {short_day(booked)}"


def _word(of: Mapping[str, str], code: object) -> str:
    return lower_first(of.get(str(code), str(code).replace("_", " ")))


def _booked(detail: Detail, _: CaseNames) -> str:
    starts_at = _moment(detail.get("starts_at"))
    when = day_and_time(starts_at) if starts_at else "another time"
    return f"Appointment moved to {when}" if detail.get("replaces") else f"Appointment booked for {when}"


def _contact(detail: Detail, _: CaseNames) -> str:
    reached = "reached them" if detail.get("reached") else "did not reach them"
    return f"{labels.TRIED.get(str(detail.get('channel')), 'Tried')}: {reached}"


def _waiting(detail: Detail, _: CaseNames) -> str:
    by = _day(detail.get("expected_by"))
    expected = f", expected by {by}" if by else ""
    return f"Waiting for an appointment: {_word(labels.WAITING, detail.get('reason'))}{expected}"


def _reply(detail: Detail, names: CaseNames) -> str:
    service = names.service(detail)
    match detail.get("reply"):
        case "accepted":
            return f"{service} said yes"
        case "waiting_list":
            weeks = detail.get("weeks")
            of = f" of {plural(int(weeks), 'week')}" if weeks else ""
            return f"{service} has a waiting list{of}"
        case "full":
            return f"{service} is full"
        case _:
            return f"{service} said it is not suitable: {_word(labels.NOT_SUITABLE, detail.get('reason'))}"


def _prescribed(detail: Detail, names: CaseNames) -> str:
    service = names.service(detail)
    if detail.get("signposted"):
        return f"Details of {service} given, for {_word(labels.NEEDS, detail.get('need'))}"
    return f"{service} added to the plan, for {_word(labels.NEEDS, detail.get('need'))}"


def _started(detail: Detail, names: CaseNames) -> str:
    on = _day(detail.get("on"))
    by = str(detail.get("accompanied_by", "not_known"))
    along = (
        f", with a {_word(labels.ACCOMPANIED, by)}"
        if by in ("link_worker", "volunteer", "family_or_friend")
        else ""
    )
    return f"First visit to {names.service(detail)}{f' on {on}' if on else ''}{along}"


def _not_started(detail: Detail, names: CaseNames) -> str:
    barrier = _word(labels.BARRIERS, detail.get("barrier"))
    return f"First visit to {names.service(detail)} did not happen: {barrier}"


def _sharing(detail: Detail, names: CaseNames) -> str:
    agreed = _word(labels.AGREED, detail.get("agreed"))
    match detail.get("agreement"):
        case "service":
            return f"Sharing name and telephone with {names.service(detail)}: {agreed}"
        case "details_to_gp":
            return f"Details to the GP: {agreed}"
        case _:
            return f"Follow-up questions: {agreed}"


def _plan(detail: Detail, _: CaseNames) -> str:
    goals = detail.get("goals") or ()
    said = "Plan agreed" if int(detail.get("revision", 1)) == 1 else "Plan changed"
    of = f", {plural(len(goals), 'goal')}" if goals else ""
    return f"{said}{of}{_step('. Next step: ', detail)}"


def _changed(detail: Detail, _: CaseNames) -> str:
    # Before there is a plan, a fact about the link worker carries the next step.
    return _step("Next step: ", detail) or "Handed to another link worker"


def _step(before: str, detail: Detail) -> str:
    step = detail.get("next_step") or {}
    on = _day(step.get("on"))
    return f"{before}{_word(labels.NEXT_STEPS, step.get('code'))} by {on}" if on else ""


_SENTENCES: Mapping[str, Callable[[Detail, CaseNames], str]] = {
    "referral_created": lambda d, n: f"Referred by {labels.BY_ROUTES.get(str(d.get('route')), 'a partner')}",
    "meeting_booked": _booked,
    "contact_attempted": _contact,
    "meeting_waiting": _waiting,
    "meeting_attended": lambda d, n: f"Came to the appointment{n.meeting(d)}",
    "meeting_missed": lambda d, n: f"Did not come to the appointment{n.meeting(d)}",
    "meeting_cancelled": lambda d, n: f"Appointment{n.meeting(d)} cancelled",
    "link_worker_changed": _changed,
    "plan_agreed": _plan,
    "service_prescribed": _prescribed,
    "provider_replied": _reply,
    "activity_started": _started,
    "activity_not_started": _not_started,
    "activity_ended": lambda d, n: f"{n.service(d)} ended: {_word(labels.ENDED, d.get('reason'))}",
    "measured": lambda d, n: "Wellbeing questions answered",
    "need_unmet": lambda d, n: (
        f"Nothing suitable for {_word(labels.NEEDS, d.get('need'))}: {_word(labels.UNMET, d.get('reason'))}"
    ),
    "sharing_changed": _sharing,
    "referral_declined": lambda d, n: f"Declined: {_word(labels.DECLINED, d.get('reason'))}",
    "referral_returned": lambda d, n: f"Sent back to the practice: {_word(labels.RETURNED, d.get('reason'))}",
    "referral_withdrawn": lambda d, n: "Withdrawn by whoever referred",
    "referral_closed": lambda d, n: f"Closed: {_word(labels.CLOSED, d.get('reason'))}",
    "referral_reopened": lambda d, n: "Opened again",
    "contact_changed": lambda d, n: f"Safe to text: {_word(labels.SAFE_TO_TEXT, d.get('contact'))}",
    "person_erased": lambda d, n: "Personal details erased",
    "retracted": lambda d, n: "Something was undone",
}


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=LONDON)


def _day(value: object) -> str:
    try:
        return short_day(date.fromisoformat(str(value)[:10]))
    except ValueError:
        return ""
