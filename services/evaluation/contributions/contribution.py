"""What one referral adds to the programme's figures, from its story alone.

Nothing here asks what time it is: what depends on today is counted on the day from which it holds, and the
report adds up the days (see `follow_up`, and `_settled`). A referral made in error, or twice, counts nowhere.

The month in which a number is counted: journey, waits, needs and routes by the month of the referral, so that
each step is seen out of the same people; meetings by the month they were held in; unmet needs and barriers by
the month they were told; answers of services by the month they were asked; questionnaires by the month of the
first.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from services.evaluation.contributions.follow_up import follow_up_cells
from services.evaluation.contributions.measures import Cell, Contribution, month
from services.evaluation.contributions.vocabulary import STEPS, LeadTime, Step
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralCreated
from shared.contract.history import Meeting, Prescription, ReferralHistory
from shared.platform.clock import london_day

LONGEST_WAIT = 730
"""Days; a longer wait is counted as this one, so that a wrong year does not make a row grow."""

SETTLED_AFTER = timedelta(weeks=12)
"""Rates towards a first visit are of people referred at least so long ago: most who will get there have."""

_NEVER_HAPPENED = {
    ("withdrawn", v.WithdrawReason.MADE_IN_ERROR.value),
    ("declined", v.DeclineReason.DUPLICATE.value),
}


def contribution_of(story: ReferralHistory) -> Contribution:
    """The cells that this referral fills. Empty until it is known to have been made."""
    counted: Counter[Cell] = Counter()
    if story.created is None or story.created_said is None:
        return counted
    if any((e.kind, str(e.reason)) in _NEVER_HAPPENED for e in story.endings):
        return counted
    referred_on = london_day(story.created_said.time)
    counted.update(_asked_for(story.created, _reached(story), referred_on))
    counted.update(_settled(story, story.created.route, referred_on))
    counted.update(_cells(story, referred_on))
    counted.update(follow_up_cells(story))
    return +counted


def _cells(story: ReferralHistory, referred_on: date) -> Iterator[Cell]:
    yield from _journey(story, referred_on)
    for meeting in story.meetings:
        yield from _meeting(meeting)
    yield from _unmet(story)
    for prescription in story.prescriptions:
        yield from _prescription(prescription)


def furthest_step(story: ReferralHistory) -> Step:
    """The furthest step reached. Who got further is counted at every step before, recorded or not."""
    if story.first_visit is not None:
        return Step.VISITED
    if any(p.reply is v.Reply.ACCEPTED for p in story.prescriptions):
        return Step.ACCEPTED
    if story.plan is not None or story.prescriptions:
        return Step.PLANNED
    if story.attended:
        return Step.MET
    return Step.BOOKED if story.meetings else Step.REFERRED


def _journey(story: ReferralHistory, referred_on: date) -> Iterator[Cell]:
    referred_in = month(referred_on)
    for step in STEPS[: STEPS.index(furthest_step(story)) + 1]:
        yield Cell("journey", referred_in, step)
    met = min((m.held_on for m in story.attended), default=None)
    for what, day in (("met", met), ("visited", story.first_visit)):
        if day is not None:
            yield Cell(f"wait_{what}", referred_in, str(days_between(referred_on, day)))


def days_between(start: date, end: date) -> int:
    """Whole days of a wait, from 0 (also where a clock was wrong and the end comes first)."""
    return max(0, min((end - start).days, LONGEST_WAIT))


def _asked_for(created: ReferralCreated, reached: bool, referred_on: date) -> Iterator[Cell]:
    referred_in = month(referred_on)
    for need in sorted(set(created.needs)):
        yield Cell("needs", referred_in, need)
    yield Cell("contact", referred_in, f"{created.route}:referred")
    if reached:
        yield Cell("contact", referred_in, f"{created.route}:reached")


def _settled(story: ReferralHistory, route: v.Route, referred_on: date) -> Iterator[Cell]:
    """The furthest step reached, under the day from which the referral is old enough for a rate."""
    referred_in = month(referred_on)
    day = (min(referred_on, date.max - SETTLED_AFTER) + SETTLED_AFTER).isoformat()
    yield Cell("settled", referred_in, f"{day}:{furthest_step(story)}")
    reached = "reached" if _reached(story) else "not_reached"
    yield Cell("settled_contact", referred_in, f"{day}:{route}:{reached}")


def _reached(story: ReferralHistory) -> bool:
    """Spoken to, or met."""
    return bool(story.attended) or any(contact.reached for contact, _ in story.contacts)


def _meeting(meeting: Meeting) -> Iterator[Cell]:
    outcome = meeting.outcome
    if meeting.status not in ("attended", "missed") or outcome is None:
        return
    held = meeting.held_on
    lead = lead_time((held - london_day(meeting.said.time)).days)
    yield Cell("meetings", month(held), f"{lead}:{'came' if meeting.status == 'attended' else 'missed'}")


def lead_time(days: int) -> LeadTime:
    """The band of the days between booking and meeting."""
    if days <= 0:
        return LeadTime.SAME_DAY
    if days == 1:
        return LeadTime.NEXT_DAY
    return LeadTime.WEEK if days <= 7 else LeadTime.LONGER


def _unmet(story: ReferralHistory) -> Iterator[Cell]:
    """Each need and reason once a referral, when it was first told: people are counted, not clicks.

    A need for which a service was added on the same day counts as met and not as unmet: in that meeting
    something was found. Told on another day, before or after, it counts.
    """
    found = {(p.prescribed.need, london_day(p.said.time)) for p in story.prescriptions}
    first: dict[tuple[v.Need, v.UnmetReason], date] = {}
    for unmet, said in story.unmet:
        told = london_day(said.time)
        if (unmet.need, told) in found:
            continue
        at = (unmet.need, unmet.reason)
        first[at] = min(first.get(at, told), told)
    for (need, reason), told in sorted(first.items()):
        yield Cell("unmet", month(told), f"{need}:{reason}")


def _prescription(prescription: Prescription) -> Iterator[Cell]:
    if prescription.barrier is not None and prescription.not_started_said is not None:
        told = london_day(prescription.not_started_said.time)
        yield Cell("barriers", month(told), prescription.barrier)
    if not prescription.prescribed.signposted:
        asked = london_day(prescription.said.time)
        yield Cell("replies", month(asked), prescription.reply or "silent")
