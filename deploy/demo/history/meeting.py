"""Makes up the way from the referral to the first meeting, or to an end before it."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.demo.chance import pick
from deploy.demo.history import rates
from deploy.demo.history.case import Case
from deploy.demo.history.days import london_day, office_hours
from deploy.demo.history.diary import Slot
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked, ReferralAgreement, ReferralCreated


def referred(case: Case) -> None:
    """Makes up the referral: everything about the person as codes, as in an event."""
    rng = case.rng
    needs = [pick(rng, rates.NEEDS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    case.needs = tuple(dict.fromkeys(needs))
    language = pick(rng, rates.LANGUAGES)
    case.journal.say(
        case.began,
        ReferralCreated,
        practice=case.practice.ods,
        person_ref=case.journal.id_at(case.began, "person"),
        route=pick(rng, rates.ROUTES),
        age_band=pick(rng, rates.AGES),
        needs=case.needs,
        agreement=ReferralAgreement(
            by=v.AgreedBy.PERSON if case.chance(0.94) else v.AgreedBy.REPRESENTATIVE,
            how=pick(rng, rates.AGREED_HOW),
            at=case.began,
        ),
        risk=v.Risk.SEE_NOTE if case.chance(0.1) else v.Risk.NONE_KNOWN,
        contact=pick(rng, rates.SAFE_TO_TEXT),
        urgency=v.Urgency.SOON if case.chance(0.08) else v.Urgency.ROUTINE,
        outward_code=case.home.outward,
        deprivation_decile=case.home.imd_decile,
        language=language,
        interpreter=language != "en" and case.chance(0.6),
        access_needs=(v.AccessNeed.STEP_FREE,) if case.chance(0.12) else (),
    )


def ended_early(case: Case) -> bool:
    """Ends some referrals before any meeting, and returns True for those."""
    how = pick(case.rng, rates.ENDS_EARLY)
    if how == "goes_on":
        return False
    moment = later(case, case.began, 1, 4)
    say = case.journal.say
    if how == "withdrawn":
        reason = pick(
            case.rng,
            {
                v.WithdrawReason.PERSON_ASKED: 5,
                v.WithdrawReason.MOVED_AWAY: 2,
                v.WithdrawReason.MADE_IN_ERROR: 2,
            },
        )
        say(moment, o.ReferralWithdrawn, by=v.By.PRACTICE, reason=reason)
    elif how == "returned":
        reason_back = pick(case.rng, {v.ReturnReason.MORE_DETAIL: 3, v.ReturnReason.NEEDS_OTHER_CARE: 2})
        say(moment, o.ReferralReturned, reason=reason_back)
    elif how == "declined":
        say(moment, o.ContactAttempted, channel=v.Channel.PHONE, reached=True)
        by_person = case.chance(0.85)
        say(
            moment + timedelta(minutes=10),
            o.ReferralDeclined,
            by=v.By.PERSON if by_person else v.By.LINK_WORKER,
            reason=v.DeclineReason.DOES_NOT_WANT if by_person else v.DeclineReason.NEEDS_OTHER_CARE,
        )
    else:
        for _ in range(3):
            say(moment, o.ContactAttempted, channel=v.Channel.PHONE, reached=False)
            moment = later(case, moment, 1, 3)
        say(moment, o.ReferralDeclined, by=v.By.LINK_WORKER, reason=v.DeclineReason.NOT_REACHED)
    return True


def met(case: Case) -> datetime | None:
    """Books meetings until the person comes. None if they never come, or if the history ends first."""
    booked_at = case.began + timedelta(seconds=case.rng.randrange(1, 4))
    if case.chance(rates.WAITS_FOR_A_SLOT):
        expected = london_day(case.began) + timedelta(days=14)
        case.journal.say(booked_at, o.MeetingWaiting, reason=v.WaitingReason.NO_SLOT, expected_by=expected)
        booked_at = later(case, booked_at, 2, 4)
    first, last = pick(case.rng, rates.LEADS)
    replaces: str | None = None
    for sequence in range(4):
        slot, meeting = _book(case, booked_at, case.rng.randint(first, last), sequence, replaces)
        if sequence == 0 and case.chance(rates.CANCELLED):
            booked_at = _cancel(case, booked_at, slot, meeting)
            replaces = meeting
            continue
        over = slot.starts_at + timedelta(minutes=slot.minutes)
        lead = (london_day(slot.starts_at) - london_day(booked_at)).days
        if case.diary.came(lead, rates.DID_NOT_COME):
            _came(case, over, meeting)
            return over if over <= case.journal.until else None
        case.journal.say(over, o.MeetingMissed, meeting_id=meeting)
        booked_at = later(case, over, 0, 1)
        reached = case.chance(0.75)
        case.journal.say(booked_at, o.ContactAttempted, channel=v.Channel.PHONE, reached=reached)
        if not reached:
            gave_up = later(case, booked_at, 5, 9)
            case.journal.say(gave_up, o.ReferralClosed, reason=v.CloseReason.NOT_REACHED)
            return None
        replaces, first, last = meeting, 2, 7
    return None


def later(case: Case, moment: datetime, least: int, most: int) -> datetime:
    """A working moment about that many days later, and always after the moment given."""
    day = london_day(moment) + timedelta(days=case.rng.randint(least, most))
    return max(office_hours(case.rng, day), moment + timedelta(minutes=15))


def _book(
    case: Case, booked_at: datetime, lead: int, sequence: int, replaces: str | None
) -> tuple[Slot, str]:
    slot = case.diary.take(case.practice.ods, london_day(booked_at) + timedelta(days=lead), booked_at)
    case.link_worker = slot.link_worker
    meeting = case.journal.id_at(booked_at, "meeting", sequence)
    case.journal.say(
        booked_at,
        MeetingBooked,
        meeting_id=meeting,
        sequence=sequence,
        replaces=replaces,
        link_worker=slot.link_worker,
        practice=case.practice.ods,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
    )
    return slot, meeting


def _cancel(case: Case, booked_at: datetime, slot: Slot, meeting: str) -> datetime:
    case.diary.free(slot)
    by_person = case.chance(0.7)
    moment = min(later(case, booked_at, 0, 2), slot.starts_at - timedelta(minutes=30))
    case.journal.say(
        max(moment, booked_at + timedelta(minutes=5)),
        o.MeetingCancelled,
        meeting_id=meeting,
        by=v.By.PERSON if by_person else v.By.LINK_WORKER,
        why=v.CancelReason.ANOTHER_TIME if by_person else v.CancelReason.LINK_WORKER_AWAY,
    )
    return max(moment, booked_at + timedelta(minutes=5)) + timedelta(minutes=2)


def _came(case: Case, over: datetime, meeting: str) -> None:
    case.journal.say(over, o.MeetingAttended, meeting_id=meeting)
    colleague = case.diary.colleague(case.practice.ods, case.link_worker)
    if colleague and case.chance(rates.LINK_WORKER_CHANGED):
        moment = later(case, over, 1, 3)
        case.journal.say(moment, o.LinkWorkerChanged, link_worker=colleague)
        case.link_worker = colleague
