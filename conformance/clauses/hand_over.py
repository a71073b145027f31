"""Clauses of ownership: silence without it, a look at what is open, and giving the part back."""

import asyncio

from conformance import handing, roles
from conformance.clause import clause
from conformance.clauses.booking_answers import BOOKING
from conformance.events import Event
from conformance.settings import OURS
from conformance.trial import Trial

_OPEN = 5


@clause("ALL-7", "A marker is no fact, and stops nothing")
async def marker(trial: Trial) -> None:
    """Writes the marker of another part into every partition, and plays a referral behind it."""
    other = "evaluation" if trial.kit.settings.part != "evaluation" else "directory"
    epoch = trial.kit.bus.highest.get((trial.locality, other), 0) + 1
    await trial.kit.bus.mark(trial.locality, other, epoch, OURS)
    trial.kit.bus.highest[trial.locality, other] = epoch
    trial.sent.append(f"markers of {other}, epoch {epoch}")
    scene = await roles.make(trial)
    await roles.play(trial, [scene])
    await trial.rest()
    await roles.once(trial, scene)


@clause("OWN-1", "Not the owner, the part is silent", parts=BOOKING, alone=True)
async def silent(trial: Trial) -> None:
    """Gives the part to Linkwork, refers people, asks an operation, and gives it to the part again."""
    before = await trial.refer()
    meeting = await trial.booked(before)
    async with handing.given_away(trial):
        referrals = [await trial.refer() for _ in range(_OPEN)]
        await trial.tell("casework", "meeting_missed", before, meeting_id=meeting.id)
        await trial.silent([before, *referrals], "no word of a part that is not the owner")
        _check_nothing_late(trial)
        if trial.kit.settings.api:
            path = f"/api/contract/v1/booking/meetings/{meeting.id}/confirmed"
            body = {"locality": trial.locality, "on_behalf_of": "conformance-user"}
            refused = await trial.ask("POST", path, "meetings:write", body, key=trial.new_id())
            trial.expect(refused.status_code == 409, "409 not_owner", f"{refused.status_code} {refused.text}")
            trial.expect("not_owner" in refused.text, "not_owner", refused.text)
    for referral in referrals:
        await trial.answer(referral)


def _check_nothing_late(trial: Trial) -> None:
    """Checks that admission refused no fact since the part is not the owner."""
    late = trial.refused_lines("not_owner")
    trial.expect(not late, "no word of a part that is not the owner", "; ".join(late[:5]))


async def _others_meetings(trial: Trial, count: int) -> list[tuple[str, Event]]:
    """Referrals with meetings that Linkwork's booking made. Gives each referral and its booking."""
    made = []
    workers = trial.kit.world.rosters[trial.locality].others_of("")
    for number in range(count):
        created = trial.creation()
        booked = trial.booking(
            f"/{trial.locality}/booking",
            created.referral,
            days=10 + number // len(workers),
            link_worker=workers[number % len(workers)],
            provisional=True,
        )
        await trial.say(created, booked)
        made.append((created.referral, booked))
    return made


async def _take_over(trial: Trial, meetings: int) -> None:
    """Takes the part over beside meetings of another owner and open referrals; then gives it back."""
    async with handing.given_away(trial):
        adopted = await _others_meetings(trial, meetings)
        waiting = [await trial.refer() for _ in range(_OPEN)]
        ended = [await trial.refer() for _ in range(_OPEN)]
        for referral in ended:
            await trial.tell("referral", "referral_withdrawn", referral, by="practice", reason="other")
        await trial.silent([*waiting, *ended], "no word before the part is the owner")
        _check_nothing_late(trial)
    for referral in waiting:
        await trial.answer(referral)
    await trial.rest()
    known = [each for each, _ in adopted]
    words = [event.line() for each in [*known, *ended] for event in trial.said(each)]
    trial.expect(not words, "no word about adopted meetings and ended referrals", "; ".join(words[:5]))
    if adopted:
        referral, booked = adopted[0]
        await trial.tell("casework", "meeting_missed", referral, meeting_id=booked.data["meeting_id"])
        second = await trial.next_meeting(referral, after=[booked.data["meeting_id"]])
        trial.expect(second.sequence == 1, "sequence 1, across owners", second.booking.line())
        replaces = second.booking.data.get("replaces")
        trial.expect(replaces == booked.data["meeting_id"], "replaces the former owner's meeting", replaces)


for _meetings in (0, 1, 50):

    def _with(meetings: int) -> None:
        async def run(trial: Trial) -> None:
            """Gives the part away, books as the other owner, hands it over, and looks at every referral."""
            await _take_over(trial, meetings)

        clause(
            f"OWN-2/{meetings}",
            f"Taken over with {meetings} booked meetings, what is open is answered and what stands adopted",
            parts=BOOKING,
            alone=True,
        )(run)

    _with(_meetings)


@clause(
    "OWN-3",
    "Given back under load, nothing is lost or said behind the end",
    parts=BOOKING,
    alone=True,
)
async def give_back(trial: Trial) -> None:
    """Refers people while the part is claimed back, and takes it again: each is answered once."""
    referrals: list[str] = []

    async def load() -> None:
        for _ in range(20):
            referrals.append(await trial.refer())
            await asyncio.sleep(0.1)

    loading = asyncio.create_task(load())
    await asyncio.sleep(0.5)
    try:
        async with handing.given_away(trial):
            await loading
            await trial.silent(referrals, "no word behind the end")
            _check_nothing_late(trial)
    finally:
        loading.cancel()
    for referral in referrals:
        await trial.answer(referral)
    await trial.rest()
    for referral in referrals:
        trial.expect(len(trial.said(referral)) == 1, "one answer", trial.heard_lines())
