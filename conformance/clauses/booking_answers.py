"""Booking: every referral is answered, at a time that suits, or with a reason."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from conformance.clause import clause
from conformance.events import Event
from conformance.roster import AWAY, CROWDED
from conformance.trial import HALF_DAYS, Trial, now

BOOKING = frozenset({"booking"})
LONDON = ZoneInfo("Europe/London")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def starts(event: Event) -> datetime:
    """The start of a booked meeting, in UTC."""
    return datetime.fromisoformat(event.data["starts_at"]).astimezone(UTC)


def ends(event: Event) -> datetime:
    """The end of a booked meeting."""
    return starts(event) + timedelta(minutes=event.data["minutes"])


def check_time(trial: Trial, event: Event) -> None:
    """Holds a booking to the hours, practice and languages of the kit's link workers."""
    roster = trial.kit.world.rosters[trial.locality]
    entry: dict[str, Any] | None = roster.entries.get(event.data["link_worker"])
    trial.expect(entry is not None, "a link worker of the list", event.line())
    if entry is None:
        return
    local, end = starts(event).astimezone(LONDON), ends(event).astimezone(LONDON)
    fits = any(
        hours["weekday"] == local.weekday()
        and hours["opens"] <= local.time().isoformat()
        and end.time().isoformat() <= hours["closes"]
        and local.date() == end.date()
        and event.data["practice"] in hours["practices"]
        for hours in entry["hours"]
    )
    trial.expect(fits, "a time within the link worker's hours at the practice", event.line())
    day = local.date().isoformat()
    away = any(leave["first"] <= day <= leave["last"] for leave in entry["leave"])
    trial.expect(not away, "a day on which the link worker is not on leave", event.line())


@clause("BOOK-1", "Every open referral is answered by a meeting or a reason within 60 seconds", parts=BOOKING)
async def answered(trial: Trial) -> None:
    """Refers ten people of different traits at once."""
    traits: list[dict[str, Any]] = [
        {},
        {"urgency": "soon"},
        {"language": AWAY},
        {"language": "fr"},
        {"interpreter": True, "language": "so"},
        {"access_needs": ["step_free"]},
        {"cannot_come": HALF_DAYS[:9]},
        {"contact": "ring"},
        {"route": "self", "age_band": "85+"},
        {"needs": ["debt", "housing", "other"]},
    ]
    for referral in [await trial.refer(**each) for each in traits]:
        await trial.answer(referral)


@clause("BOOK-2", "The time lies in the hours of a link worker who suits", parts=BOOKING)
async def suits(trial: Trial) -> None:
    """Refers people who need a language, an interpreter or certain half days, and looks at their times."""
    plain = await trial.refer()
    spoken = await trial.refer(language=CROWDED)
    strange = await trial.refer(language="so", interpreter=True)
    free = trial.rng.choice(HALF_DAYS)
    choosy = await trial.refer(cannot_come=[half for half in HALF_DAYS if half != free])
    began = now()
    for referral in (plain, spoken, strange, choosy):
        booked = (await trial.booked(referral)).booking
        check_time(trial, booked)
        notice = timedelta(days=3) if referral == strange else timedelta(hours=2)
        trial.expect(
            starts(booked) >= began + notice - timedelta(minutes=1),
            f"a start {notice} ahead at least",
            booked.line(),
        )
        if referral == spoken:
            wanted = trial.kit.world.rosters[trial.locality].id_of(CROWDED)
            trial.expect(
                booked.data["link_worker"] == wanted, f"{wanted}, who speaks {CROWDED}", booked.line()
            )
        if referral == choosy:
            local = starts(booked).astimezone(LONDON)
            half = f"{_WEEKDAYS[local.weekday()]}_{'am' if local.hour < 12 else 'pm'}"
            trial.expect(half == free, f"a meeting on {free}", booked.line())


@clause("BOOK-2/overlap", "A link worker's meetings never overlap", parts=BOOKING)
async def overlap(trial: Trial) -> None:
    """Refers twenty-five people at once whose language one link worker speaks."""
    referrals = [trial.creation(language=CROWDED) for _ in range(25)]
    await trial.say(*referrals)
    for each in referrals:
        await trial.answer(each.referral)
    await trial.rest()
    standing = [a.booking for each in referrals if (a := trial.state(each.referral).active)]
    trial.expect(bool(standing), "a meeting of one of twenty-five", "reasons only")
    standing.sort(key=lambda each: (each.data["link_worker"], starts(each)))
    for first, second in pairwise(standing):
        apart = first.data["link_worker"] != second.data["link_worker"] or ends(first) <= starts(second)
        trial.expect(apart, "times that do not overlap", f"{first.line()} and {second.line()}")


@clause("BOOK-3", "A time that the person has not agreed to is provisional", parts=BOOKING)
async def provisional(trial: Trial) -> None:
    """Refers a person and looks at the booking."""
    booked = await trial.booked(await trial.refer())
    trial.expect(booked.provisional, "provisional: true", booked.booking.line())
    trial.expect(booked.sequence == 0, "sequence 0", booked.booking.line())


async def _reason(trial: Trial, days: int, reasons: tuple[str, ...], **traits: Any) -> str:
    """Refers a person for whom there is no time, and checks the reason and its day. Gives the referral."""
    referral = await trial.refer(**traits)
    said = await trial.answer(referral)
    trial.expect(said.data.get("reason") in reasons, f"meeting_waiting, {' or '.join(reasons)}", said.line())
    by = date.fromisoformat(said.data["expected_by"])
    today = now().astimezone(LONDON).date()
    trial.expect(today <= by <= today + timedelta(days=days), f"expected_by within {days} days", said.line())
    return referral


@clause("BOOK-5", "A reason says by when, and is said once", parts=BOOKING)
async def reasons(trial: Trial) -> None:
    """Refers people who can come on no half day."""
    referral = await _reason(trial, 14, ("no_slot", "no_link_worker"), cannot_come=HALF_DAYS)
    soon = await _reason(trial, 7, ("no_slot", "no_link_worker"), cannot_come=HALF_DAYS, urgency="soon")
    await trial.tell("casework", "contact_attempted", referral, channel="phone", reached=True)
    await trial.silent([referral, soon], "a reason is said once")


@clause(
    "BOOK-17",
    "Facts over an hour old are not answered before the rest of the log may have come",
    parts=BOOKING,
)
async def old_log(trial: Trial) -> None:
    """Says a creation of two hours ago, and eight seconds later the booking that somebody made then."""
    then = now() - timedelta(hours=2)
    created = trial.creation(at=then)
    await trial.say(created)
    await trial.pause(8)
    trial.expect(not trial.said(created.referral), "no answer within 20 s", trial.heard_lines())
    await trial.say(trial.booking(f"/{trial.locality}/history", created.referral, at=then))
    await trial.pause(22)
    trial.expect(not trial.said(created.referral), "no second meeting", trial.heard_lines())
