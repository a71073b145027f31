"""Booking: what follows when a referral ends, a meeting is missed, a link worker changes or is away."""

from datetime import date, timedelta

from conformance.clause import clause
from conformance.clauses.booking_answers import BOOKING, check_time, starts
from conformance.roster import AWAY, VISITS
from conformance.trial import Trial, now

# A change of a link worker is read within a minute, and answered within another.
_READ_AND_ANSWERED = 130


async def _cancelled(
    trial: Trial, referral: str, meeting: str, by: str, why: str, *, after: str = ""
) -> None:
    """Waits for the cancellation of a meeting, with its reason. `after`: the fact that it should follow."""
    said = await trial.until(
        f"meeting_cancelled of {meeting}{after and f', after {after}'}",
        lambda: next(
            (e for e in trial.said(referral, "meeting_cancelled") if e.data["meeting_id"] == meeting), None
        ),
    )
    right = (said.data["by"], said.data["why"]) == (by, why)
    trial.expect(right, f"by {by}, {why}", said.line())


@clause("BOOK-7", "When a referral ends, its meetings are cancelled within 60 seconds", parts=BOOKING)
async def ends(trial: Trial) -> None:
    """Ends three booked referrals: withdrawn, declined, and with their creation retracted."""
    ways = ("referral_withdrawn", "referral_declined", "retracted")
    created = [trial.creation() for _ in ways]
    await trial.say(*created)
    meetings = [await trial.booked(each.referral) for each in created]
    await trial.tell(
        "referral", "referral_withdrawn", created[0].referral, by="practice", reason="person_asked"
    )
    await trial.tell(
        "casework", "referral_declined", created[1].referral, by="person", reason="does_not_want"
    )
    named = {"event_source": created[2].source, "event_id": created[2].id, "reason": "entered_in_error"}
    await trial.tell("referral", "retracted", created[2].referral, **named)
    for each, meeting, way in zip(created, meetings, ways, strict=True):
        await _cancelled(trial, each.referral, meeting.id, "programme", "referral_ended", after=way)
    await trial.silent([each.referral for each in created], "nothing more of an ended referral")


@clause(
    "ERASE-3",
    "An erased person's meetings are cancelled within 60 seconds, and nothing more is said",
    parts=BOOKING,
)
async def erased(trial: Trial) -> None:
    """Erases a booked person, and says facts about them afterwards."""
    created = trial.creation()
    referral = created.referral
    await trial.say(created)
    meeting = await trial.booked(referral)
    trial.kit.world.people[referral] = None
    await trial.tell("referral", "person_erased", referral, person_ref=created.data["person_ref"])
    await _cancelled(trial, referral, meeting.id, "programme", "referral_ended")
    await trial.tell("casework", "meeting_missed", referral, meeting_id=meeting.id)
    await trial.silent([referral], "nothing more of an erased person")


@clause("BOOK-8", "A referral that is reopened and was never met is answered as a new one", parts=BOOKING)
async def reopened(trial: Trial) -> None:
    """Closes a booked referral, waits for the cancellation, and reopens it."""
    referral = await trial.refer()
    meeting = await trial.booked(referral)
    closed = await trial.tell("casework", "referral_closed", referral, reason="no_longer_wants")
    await _cancelled(trial, referral, meeting.id, "programme", "referral_ended")
    await trial.tell("casework", "referral_reopened", referral, ends_source=closed.source, ends_id=closed.id)
    second = await trial.next_meeting(referral, after=[meeting.id])
    trial.expect(second.sequence == 1, "sequence 1", second.booking.line())
    named = second.booking.data.get("replaces")
    trial.expect(
        named is None, "no `replaces` of a meeting that ended with the referral", second.booking.line()
    )


@clause("BOOK-9", "Booked again after a first miss; after a second the person is not reached", parts=BOOKING)
async def missed(trial: Trial) -> None:
    """Says that the person missed the first meeting, and then the second."""
    referral = await trial.refer()
    first = await trial.booked(referral)
    await trial.tell("casework", "meeting_missed", referral, meeting_id=first.id)
    second = await trial.next_meeting(referral, after=[first.id])
    trial.expect(second.sequence == 1, "sequence 1", second.booking.line())
    replaces = second.booking.data.get("replaces")
    trial.expect(replaces == first.id, f"replaces {first.id}", second.booking.line())
    await trial.tell("casework", "meeting_missed", referral, meeting_id=second.id)
    said = await trial.first(referral, "meeting_waiting")
    trial.expect(said.data["reason"] == "person_not_reached", "person_not_reached", said.line())
    by = date.fromisoformat(said.data["expected_by"])
    trial.expect(by <= now().date() + timedelta(days=8), "expected_by within 7 days", said.line())
    await trial.silent([referral], "no third meeting by itself")


@clause("BOOK-10", "Booked again after a cancellation, at another time", parts=BOOKING)
async def cancelled(trial: Trial) -> None:
    """Says as another source that the person cancelled, since they are unwell."""
    referral = await trial.refer()
    first = await trial.booked(referral)
    await trial.tell(
        f"/{trial.locality}/history",
        "meeting_cancelled",
        referral,
        meeting_id=first.id,
        by="person",
        why="unwell",
    )
    second = await trial.next_meeting(referral, after=[first.id])
    one, other = first.booking, second.booking
    same = (starts(one), one.data["link_worker"]) == (starts(other), other.data["link_worker"])
    trial.expect(not same, "another time than the one given up", other.line())
    trial.expect(second.sequence == 1, "sequence 1", other.line())


@clause("BOOK-11", "When the link worker changes, the meeting is booked with the new one", parts=BOOKING)
async def link_worker_changed(trial: Trial) -> None:
    """Hands the case of a booked person over to another link worker."""
    referral = await trial.refer()
    first = await trial.booked(referral)
    roster = trial.kit.world.rosters[trial.locality]
    new = roster.others_of(first.booking.data["link_worker"])[0]
    await trial.tell("casework", "link_worker_changed", referral, link_worker=new)
    await _cancelled(trial, referral, first.id, "link_worker", "link_worker_away")
    second = await trial.next_meeting(referral, after=[first.id])
    trial.expect(second.booking.data["link_worker"] == new, f"a meeting with {new}", second.booking.line())
    check_time(trial, second.booking)


@clause(
    "BOOK-12",
    "Meetings of a link worker on leave are cancelled and booked again",
    parts=BOOKING,
    limit=_READ_AND_ANSWERED,
)
async def leave(trial: Trial) -> None:
    """Enters leave of a link worker over the day of a booked meeting."""
    roster = trial.kit.world.rosters[trial.locality]
    away = roster.id_of(AWAY)
    referral = await trial.refer(language=AWAY)
    first = await trial.booked(referral)
    day = starts(first.booking).date()
    days = {"first": day.isoformat(), "last": (day + timedelta(days=4)).isoformat()}
    roster.change(away, leave=[days])
    trial.sent.append(f"leave of {away}: {days}")
    await trial.kit.roster_changed()
    try:
        await _cancelled(trial, referral, first.id, "link_worker", "link_worker_away")
        second = await trial.until(
            "another meeting, or a reason",
            lambda: trial.state(referral).active or next(iter(trial.said(referral, "meeting_waiting")), None),
        )
        booking = getattr(second, "booking", None)
        if booking is not None:
            check_time(trial, booking)
    finally:
        roster.change(away, leave=[])
        await trial.kit.roster_changed()


@clause(
    "BOOK-6", "Waiting ends with a booking when a time comes free", parts=BOOKING, limit=_READ_AND_ANSWERED
)
async def waiting_ends(trial: Trial) -> None:
    """Refers a person who needs a home visit that nobody makes; then a link worker begins to make them."""
    roster = trial.kit.world.rosters[trial.locality]
    visits = roster.id_of(VISITS)
    referral = await trial.refer(access_needs=["home_visit"])
    await trial.answer(referral)
    trial.expect(trial.state(referral).active is None, "no home visit yet", trial.heard_lines())
    roster.change(visits, home_visits=True)
    trial.sent.append(f"{visits} visits at home from now on")
    await trial.kit.roster_changed()
    try:
        booked = await trial.booked(referral)
        mode = booked.booking.data.get("mode")
        trial.expect(mode == "home", "a meeting at home", booked.booking.line())
    finally:
        roster.change(visits, home_visits=False)
        await trial.kit.roster_changed()


@clause("BOOK-14", "After an attended meeting no more is booked", parts=BOOKING)
async def attended(trial: Trial) -> None:
    """Says that the person came."""
    referral = await trial.refer()
    first = await trial.booked(referral)
    await trial.tell("casework", "meeting_attended", referral, meeting_id=first.id)
    await trial.tell("casework", "contact_attempted", referral, channel="phone", reached=True)
    await trial.silent([referral], "nothing more of a person who was met")


@clause("BOOK-15", "A booking that is retracted was never said", parts=BOOKING)
async def retracted(trial: Trial) -> None:
    """Books a person as another source, and retracts the booking."""
    created = trial.creation()
    other = trial.booking(f"/{trial.locality}/history", created.referral)
    await trial.say(other)
    await trial.rest()
    await trial.say(created)
    await trial.silent([created.referral], "no second meeting beside another's")
    named = {"event_source": other.source, "event_id": other.id, "reason": "entered_in_error"}
    await trial.tell(other.source, "retracted", created.referral, **named)
    await trial.answer(created.referral)
