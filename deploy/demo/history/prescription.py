"""Makes up the way from the plan to a service, its answer, and the first visit or a barrier."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.demo.chance import pick
from deploy.demo.history import rates
from deploy.demo.history.case import Case
from deploy.demo.history.days import london_day
from deploy.demo.history.meeting import later
from services.matching.directory.feed import Service, next_sessions
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v


def prescribed(case: Case, needs: tuple[v.Need, ...], met_at: datetime) -> datetime:
    """Tries a service for one need, often for a second. Returns the moment of the last event."""
    moment = met_at + timedelta(minutes=6)
    last = moment
    wanted = needs[: 2 if case.chance(rates.SECOND_SERVICE) else 1]
    for number, need in enumerate(wanted):
        fitting = [one for one in case.services if _helps(one, need)]
        if not fitting:
            # If the next town has a service, some link workers record "too far", others "none here".
            far = case.chance(rates.TOO_FAR)
            reason = v.UnmetReason.TOO_FAR if far else v.UnmetReason.NO_SERVICE
            case.journal.say(moment, o.NeedUnmet, need=need, reason=reason)
        elif case.chance(rates.NOTHING_SUITABLE):
            case.journal.say(moment, o.NeedUnmet, need=need, reason=pick(case.rng, rates.UNMET))
        else:
            last = max(last, _one(case, number, need, case.rng.choice(fitting), moment))
        moment += timedelta(minutes=2)
    return last


def _one(case: Case, number: int, need: v.Need, service: Service, moment: datetime) -> datetime:
    signposted = case.chance(rates.SIGNPOSTED)
    prescription = case.journal.id_at(moment, "prescription", number)
    say = case.journal.say
    check = london_day(moment) + timedelta(days=14)
    say(
        moment,
        o.ServicePrescribed,
        prescription_id=prescription,
        service_id=service.id,
        need=need,
        signposted=signposted,
        next_step=o.NextStep(code=v.NextStepCode.CHECK_FIRST_VISIT, on=check),
    )
    if signposted:
        return _visit(case, prescription, service, moment, rates.STARTS["signposted"])
    if case.chance(0.75):
        say(
            moment + timedelta(seconds=30),
            o.SharingChanged,
            agreement=v.Agreement.SERVICE,
            agreed=v.Agreed.YES,
            prescription_id=prescription,
        )
    answer = pick(case.rng, rates.REPLIES)
    if answer == "silent":
        return _visit(case, prescription, service, moment, rates.STARTS["silent"])
    answered = later(case, moment, 0, 5)
    reply = v.Reply(answer)
    weeks = case.rng.randint(1, 4) if reply is v.Reply.WAITING_LIST else None
    reason = (
        case.rng.choice((v.NotSuitableReason.NEED, v.NotSuitableReason.AREA, v.NotSuitableReason.ACCESS))
        if reply is v.Reply.NOT_SUITABLE
        else None
    )
    say(answered, o.ProviderReplied, prescription_id=prescription, reply=reply, weeks=weeks, reason=reason)
    if reply in (v.Reply.FULL, v.Reply.NOT_SUITABLE):
        why = v.UnmetReason.FULL if reply is v.Reply.FULL else v.UnmetReason.INELIGIBLE
        told = later(case, answered, 1, 3)
        say(told, o.NeedUnmet, need=need, reason=why)
        return told
    waited = answered + timedelta(weeks=weeks or 0)
    return _visit(case, prescription, service, waited, rates.STARTS[answer])


def _visit(case: Case, prescription: str, service: Service, after: datetime, often: float) -> datetime:
    say = case.journal.say
    coming = next_sessions(service.schedules, after + timedelta(days=1), 2)
    session = case.rng.choice(coming).starts_at if coming else later(case, after, 2, 12)
    if not case.chance(often):
        told = later(case, session, 1, 5)
        if case.chance(rates.BARRIER_TOLD):
            barrier = pick(case.rng, rates.BARRIERS)
            say(told, o.ActivityNotStarted, prescription_id=prescription, barrier=barrier)
        return told
    told = later(case, session, 0, 3)
    say(
        told,
        o.ActivityStarted,
        prescription_id=prescription,
        on=london_day(session),
        accompanied_by=pick(case.rng, rates.ACCOMPANIED),
    )
    case.visited = True
    if not case.chance(rates.ENDED_LATER):
        return told
    ended = later(case, told, 7, 21)
    reason_ended = pick(case.rng, {v.EndReason.COMPLETED: 5, v.EndReason.LEFT: 3, v.EndReason.HEALTH: 1})
    say(ended, o.ActivityEnded, prescription_id=prescription, reason=reason_ended)
    return ended


def _helps(service: Service, need: v.Need) -> bool:
    return need in service.needs or (need is v.Need.SENSITIVE and bool(service.sensitive_needs))
