"""What one referral adds to the programme's figures, from its story alone.

Nothing here asks what time it is: what depends on today is counted on the day from which it holds, and the
report adds up the days (see `follow_up`). A referral made in error, or twice, counts nowhere.

The month in which a number is counted: journey, waits, needs and routes by the month of the referral, so that
each step is seen out of the same people; meetings by the month they were held in; unmet needs and barriers by
the month they were told; answers of services by the month they were asked; questionnaires by the month of the
first.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from services.evaluation.cells import Cell, Contribution, month
from services.evaluation.follow_up import follow_up_cells
from services.evaluation.vocabulary import STEPS, LeadTime, Step
from shared.clock import london_day
from shared.events import vocabulary as v
from shared.events.models import ReferralCreated
from shared.story import Meeting, Prescription, Story

LONGEST_WAIT = 730
"""Days; a longer wait is counted as this one, so that a wrong year does not make a row grow."""

_NEVER_HAPPENED = {
    ("withdrawn", v.WithdrawReason.MADE_IN_ERROR.value),
    ("declined", v.DeclineReason.DUPLICATE.value),
}


def contribution_of(story: Story) -> Contribution:
    """The cells that this referral fills. Empty until it is known to have been made."""
    counted: Counter[Cell] = Counter()
    if story.created is None or story.created_said is None:
        return counted
    if any((e.kind, str(e.reason)) in _NEVER_HAPPENED for e in story.endings):
        return counted
    referred_on = london_day(story.created_said.time)
    counted.update(_asked_for(story.created, bool(story.attended) or _reached(story), referred_on))
    counted.update(_cells(story, referred_on))
    counted.update(follow_up_cells(story))
    return +counted


def _cells(story: Story, referred_on: date) -> Iterator[Cell]:
    yield from _journey(story, referred_on)
    for meeting in story.meetings:
        yield from _meeting(meeting)
    yield from _unmet(story)
    for prescription in story.prescriptions:
        yield from _prescription(prescription)


def furthest_step(story: Story) -> Step:
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


def _journey(story: Story, referred_on: date) -> Iterator[Cell]:
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


def _reached(story: Story) -> bool:
    return any(contact.reached for contact, _ in story.contacts)


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


def _unmet(story: Story) -> Iterator[Cell]:
    """Each need and reason once a referral, when it was first told: people are counted, not clicks."""
    first: dict[tuple[v.Need, v.UnmetReason], date] = {}
    for unmet, said in story.unmet:
        told = london_day(said.time)
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
