"""Computes the contribution of one referral to the programme's figures, from its history alone.

The contribution does not depend on today. A number that holds only from a later day is counted under that
day. The report adds up the days (see `follow_up` and `_settled`). A referral made in error, or twice, counts
nowhere.

Each number belongs to one month:

- journey, waits, needs and routes to the month of the referral, so that each step is counted among the same
  people;
- meetings to the month they were held in;
- unmet needs and barriers to the month they were recorded;
- replies of services to the month they were asked;
- questionnaires to the month of the first answers.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from services.evaluation.contributions.follow_up import follow_up_measures
from services.evaluation.contributions.measures import Contribution, MeasureKey, month
from services.evaluation.contributions.vocabulary import STEPS, LeadTime, Step
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralCreated
from shared.contract.history import Meeting, Prescription, ReferralHistory
from shared.platform.clock import london_day

# A longer wait is counted as this one, so that a wrong year cannot make a row grow.
MAX_WAIT_DAYS: Final = 730

# Rates towards a first visit count people referred at least so long ago: most who will get there have.
SETTLED_AFTER: Final = timedelta(weeks=12)

_NEVER_COUNTED: Final = frozenset(
    {
        ("withdrawn", v.WithdrawReason.MADE_IN_ERROR.value),
        ("declined", v.DeclineReason.DUPLICATE.value),
    }
)


def contribution_of(history: ReferralHistory) -> Contribution:
    """Counts a referral. The contribution is empty until ReferralCreated arrives."""
    counted: Counter[MeasureKey] = Counter()
    if history.created is None or history.created_said is None:
        return counted
    if any((e.kind, str(e.reason)) in _NEVER_COUNTED for e in history.endings):
        return counted
    referred_on = london_day(history.created_said.time)
    counted.update(_needs_and_route(history.created, _reached(history), referred_on))
    counted.update(_settled(history, history.created.route, referred_on))
    counted.update(_steps(history, referred_on))
    counted.update(follow_up_measures(history))
    return +counted


def _steps(history: ReferralHistory, referred_on: date) -> Iterator[MeasureKey]:
    yield from _journey(history, referred_on)
    for meeting in history.meetings:
        yield from _meeting(meeting)
    yield from _unmet(history)
    for prescription in history.prescriptions:
        yield from _prescription(prescription)


def furthest_step(history: ReferralHistory) -> Step:
    """The furthest step reached. The person counts at every earlier step too, recorded or not."""
    if history.first_visit is not None:
        return Step.VISITED
    if any(p.reply is v.Reply.ACCEPTED for p in history.prescriptions):
        return Step.ACCEPTED
    if history.plan is not None or history.prescriptions:
        return Step.PLANNED
    if history.attended:
        return Step.MET
    return Step.BOOKED if history.meetings else Step.REFERRED


def _journey(history: ReferralHistory, referred_on: date) -> Iterator[MeasureKey]:
    referred_in = month(referred_on)
    for step in STEPS[: STEPS.index(furthest_step(history)) + 1]:
        yield MeasureKey("journey", referred_in, step)
    met = min((m.held_on for m in history.attended), default=None)
    for event, day in (("met", met), ("visited", history.first_visit)):
        if day is not None:
            yield MeasureKey(f"wait_{event}", referred_in, str(days_between(referred_on, day)))


def days_between(start: date, end: date) -> int:
    """Whole days of a wait. 0 where a wrong clock puts the end before the start."""
    return max(0, min((end - start).days, MAX_WAIT_DAYS))


def _needs_and_route(created: ReferralCreated, reached: bool, referred_on: date) -> Iterator[MeasureKey]:
    referred_in = month(referred_on)
    for need in sorted(set(created.needs)):
        yield MeasureKey("needs", referred_in, need)
    yield MeasureKey("contact", referred_in, f"{created.route}:referred")
    if reached:
        yield MeasureKey("contact", referred_in, f"{created.route}:reached")


def _settled(history: ReferralHistory, route: v.Route, referred_on: date) -> Iterator[MeasureKey]:
    """The furthest step, under the day from which the referral is old enough for a rate."""
    referred_in = month(referred_on)
    day = (min(referred_on, date.max - SETTLED_AFTER) + SETTLED_AFTER).isoformat()
    yield MeasureKey("settled", referred_in, f"{day}:{furthest_step(history)}")
    reached = "reached" if _reached(history) else "not_reached"
    yield MeasureKey("settled_contact", referred_in, f"{day}:{route}:{reached}")


def _reached(history: ReferralHistory) -> bool:
    """Tests whether a link worker spoke to the person, or met them."""
    return bool(history.attended) or any(contact.reached for contact, _ in history.contacts)


def _meeting(meeting: Meeting) -> Iterator[MeasureKey]:
    outcome = meeting.outcome
    if meeting.status not in ("attended", "missed") or outcome is None:
        return
    held = meeting.held_on
    lead = lead_time((held - london_day(meeting.said.time)).days)
    came = "came" if meeting.status == "attended" else "missed"
    yield MeasureKey("meetings", month(held), f"{lead}:{came}")


def lead_time(days: int) -> LeadTime:
    """The band of the days between booking and meeting."""
    if days <= 0:
        return LeadTime.SAME_DAY
    if days == 1:
        return LeadTime.NEXT_DAY
    return LeadTime.WEEK if days <= 7 else LeadTime.LONGER


def _unmet(history: ReferralHistory) -> Iterator[MeasureKey]:
    """Each need and reason once a referral, on the day of its first record: people count, not clicks.

    A need for which a service was added on the same day counts as met: that meeting found a service. If a
    service was added on another day, before or after, the need counts as unmet.
    """
    met = {(p.prescribed.need, london_day(p.said.time)) for p in history.prescriptions}
    first: dict[tuple[v.Need, v.UnmetReason], date] = {}
    for unmet, said in history.unmet:
        day = london_day(said.time)
        if (unmet.need, day) in met:
            continue
        pair = (unmet.need, unmet.reason)
        first[pair] = min(first.get(pair, day), day)
    for (need, reason), day in sorted(first.items()):
        yield MeasureKey("unmet", month(day), f"{need}:{reason}")


def _prescription(prescription: Prescription) -> Iterator[MeasureKey]:
    if prescription.barrier is not None and prescription.not_started_said is not None:
        recorded = london_day(prescription.not_started_said.time)
        yield MeasureKey("barriers", month(recorded), prescription.barrier)
    if not prescription.prescribed.signposted:
        asked = london_day(prescription.said.time)
        yield MeasureKey("replies", month(asked), prescription.reply or "silent")
