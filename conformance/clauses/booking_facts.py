"""Booking: others' meetings, the vectors of the fold, and the golden stories."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from conformance.clause import Try, clause
from conformance.clauses.booking_answers import BOOKING, ends, starts
from conformance.contract import stories
from conformance.play import Play, can_be_played
from conformance.roster import CROWDED
from conformance.trial import Trial, now
from conformance.vectors import calls_for_booking, placed, without_partners

_VECTORS = ("counting", "meetings", "retraction", "endings", "creation")
_TRIED = 60


@clause("BOOK-13", "Others' meetings stand, and one's own that no longer stands is cancelled", parts=BOOKING)
async def adopted(trial: Trial) -> None:
    """Books one person before the part can, and another one above the part's own meeting."""
    history = f"/{trial.locality}/history"
    created = trial.creation()
    await trial.say(trial.booking(history, created.referral))
    await trial.rest()
    await trial.say(created)
    own = await trial.refer()
    first = await trial.booked(own)
    await trial.say(trial.booking(history, own, 1))
    said = await trial.first(own, "meeting_cancelled")
    right = (said.data["meeting_id"], said.data["why"]) == (first.id, "slot_taken")
    trial.expect(right, f"{first.id}, slot_taken", said.line())
    await trial.silent([created.referral, own], "no meeting beside another's")
    trial.expect(not trial.said(created.referral), "no word about an adopted meeting", trial.heard_lines())


@clause("BOOK-13/times", "The times of others' meetings are reserved", parts=BOOKING)
async def reserved(trial: Trial) -> None:
    """Fills a link worker's next working days by another source, then refers eight people to them."""
    roster = trial.kit.world.rosters[trial.locality]
    worker = roster.id_of(CROWDED)
    taken, creations = [], []
    for starts_at in _half_hours(now()):
        created = trial.creation(language=CROWDED)
        time: dict[str, Any] = {
            "starts_at": starts_at.isoformat().replace("+00:00", "Z"),
            "link_worker": worker,
        }
        taken.append(trial.booking(f"/{trial.locality}/history", created.referral, **time))
        creations.append(created)
    await trial.say(*taken)
    await trial.rest()
    await trial.say(*creations)
    await trial.rest()
    fresh = [await trial.refer(language=CROWDED) for _ in range(8)]
    for referral in fresh:
        await trial.answer(referral)
        booked = trial.state(referral).active
        for other in taken:
            clear = (
                booked is None
                or ends(booked.booking) <= starts(other)
                or ends(other) <= starts(booked.booking)
            )
            came = booked.booking.line() if booked else ""
            trial.expect(clear, f"no meeting over another's of {other.data['starts_at']}", came)


def _half_hours(moment: datetime) -> Iterator[datetime]:
    """Every hour of the working days among five, within the kit's hours in summer and winter."""
    day = moment.astimezone(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    for days in range(5):
        hours = (day + timedelta(days=days, hours=each) for each in range(8))
        if (day + timedelta(days=days)).weekday() < 5:
            yield from (each for each in hours if each > moment + timedelta(hours=2))


@clause(
    "F10",
    "What counts is judged from the whole set, as the vectors of the fold show",
    parts=BOOKING,
    limit=90,
)
async def fold(trial: Trial) -> None:
    """Says the facts of sixty vectors in random order. Open and never met: answered; else: not booked."""
    known = [each for each in without_partners(_VECTORS) if each["facts"]]
    played = [_Vector(trial, each) for each in trial.rng.sample(known, min(_TRIED, len(known)))]
    said = [event for each in played for event in each.events]
    trial.rng.shuffle(said)
    await trial.say_any(*said)
    for each in played:
        if each.needs_answer:
            await trial.until(f"{each.label}: a meeting or a reason", partial(each.answered, trial))
    await trial.rest()
    for each in played:
        booked = trial.said(each.referral, "meeting_booked")
        trial.expect(
            each.may_book or not booked, f"{each.label}: no meeting", "; ".join(e.line() for e in booked)
        )
        trial.expect(
            len(booked) <= 1, f"{each.label}: one meeting at most", "; ".join(e.line() for e in booked)
        )


class _Vector:
    """A vector in the trial's locality, with ids of its own in the same order."""

    def __init__(self, trial: Trial, vector: Mapping[str, Any]) -> None:
        self.events, state = placed(trial, vector)
        self.referral = self.events[0].referral
        self.label = f"the vector {vector['name']}, as {self.referral}"
        trial.referrals[self.referral] = trial.locality
        meetings = state["meetings"]
        missed = sum(each["status"] == "missed" for each in meetings["meetings"])
        self.needs_answer = calls_for_booking(state)
        self.may_book = self.needs_answer and missed < 2
        self._waits = meetings["waiting"] is not None

    def answered(self, trial: Trial) -> bool:
        """True once the referral has a meeting or a reason."""
        state = trial.state(self.referral)
        return self._waits or state.active is not None or bool(state.waiting)


async def _says_yes(trial: Trial, play: Play, event: Mapping[str, Any]) -> None:
    """Says the person's yes, by the part's operation, if that is what the story's event follows from."""
    if event["data"].get("provisional") is False:
        path = f"/api/contract/v1/booking/meetings/{play.values['meeting']}/confirmed"
        body = {"locality": trial.locality, "on_behalf_of": "conformance-user"}
        answer = await trial.ask("POST", path, "meetings:write", body, key=trial.new_id())
        trial.expect(answer.is_success, "200", f"{answer.status_code} {answer.text}")


def _story(name: str) -> Try:
    async def run(trial: Trial) -> None:
        """Plays the golden story: says what the other parts say, and waits for what the part says."""
        story = next(each for each in stories() if each["name"] == name)
        play = Play(story, trial, partial(_says_yes, trial))
        await play.perform()
        # The events come faster here: a meeting that was booked between two of them is over again.
        over = ("cancelled", "replaced")
        meetings = story["state"]["meetings"]["meetings"]
        wanted = [each["status"] for each in meetings if each["status"] not in over]

        def found() -> bool:
            statuses = [each.status for each in trial.state(play.referral).meetings]
            return [each for each in statuses if each not in over] == wanted

        # A decision between two events may come late, and then what takes it back.
        for _ in range(2):
            await trial.until(f"meetings {wanted} of {play.referral}", found)
            await trial.rest()
        trial.expect(found(), f"meetings {wanted} of {play.referral}", trial.heard_lines())

    return run


for _each in stories():
    if can_be_played(_each, "booking"):
        clause(
            f"STORY/{_each['name']}",
            _each["sentence"],
            parts=BOOKING,
            words=f"The golden story {_each['name']}: {_each['sentence']}",
        )(_story(_each["name"]))
