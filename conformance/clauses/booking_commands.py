"""Booking: the operations that other parts ask, by the published paths."""

from datetime import timedelta
from typing import Final

from conformance.answers import document
from conformance.clause import clause
from conformance.clauses.booking_answers import BOOKING, LONDON
from conformance.issuer import ANOTHER
from conformance.meetings import Meeting
from conformance.trial import Trial, now

_API = "/api/contract/v1/booking"
_CHOICES: Final = 5
_READS, _WRITES = "meetings:read", "meetings:write"
_REFUSALS = (
    "At any of them: 401 `no_token`, `invalid_token`; 403 `role`, `scope`, `part`, `locality`; "
    "409 `not_owner`; 422 `invalid`, with `errors`. 404 is never here, 410 is erased: drop what you hold."
)
_KEYS = (
    "Takes an `Idempotency-Key`: the same key with the same request is done once and answered again; another "
    "request is refused (422, `idempotency_key`)."
)


def _who(trial: Trial) -> dict[str, str]:
    return {"locality": trial.locality, "on_behalf_of": "conformance-user"}


async def _booked(trial: Trial) -> tuple[str, Meeting]:
    referral = await trial.refer()
    return referral, await trial.booked(referral)


@clause("F31", "The person's yes makes the same meeting no longer provisional", parts=BOOKING)
async def confirmed(trial: Trial) -> None:
    """Asks `confirmed` of a provisional meeting."""
    referral, first = await _booked(trial)
    answer = await trial.ask(
        "POST", f"{_API}/meetings/{first.id}/confirmed", _WRITES, _who(trial), key=trial.new_id()
    )
    trial.expect(answer.status_code == 200, "200", answer.status_code)

    def agreed() -> Meeting | None:
        active = trial.state(referral).active
        return active if active is not None and not active.provisional else None

    meeting = await trial.until("the same meeting, not provisional", agreed)
    same = all(
        meeting.booking.data[n] == first.booking.data[n]
        for n in ("meeting_id", "sequence", "link_worker", "starts_at")
    )
    trial.expect(same, f"the same meeting as {first.booking.line()}", meeting.booking.line())


@clause("BOOK-4", "Another time is a new meeting, one above, that replaces the last", parts=BOOKING)
async def another_time(trial: Trial) -> None:
    """Asks for other times of a meeting, and chooses the last of them."""
    referral, first = await _booked(trial)
    path = f"{_API}/meetings/{first.id}"
    # A time that is offered may go to another person of the run before it is chosen.
    for _ in range(_CHOICES):
        offered = await trial.ask("GET", f"{path}/options", _READS, locality=trial.locality, count=12)
        trial.expect(offered.status_code == 200, "200", f"{offered.status_code} {offered.text}")
        options = document(offered)["options"]
        trial.expect(bool(options), "other times", offered.text)
        body = {**_who(trial), "slot": options[-1]["key"]}
        moved = await trial.ask("POST", f"{path}/another-time", _WRITES, body, key=trial.new_id())
        if not (moved.status_code == 409 and "slot_taken" in moved.text):
            break
    trial.expect(moved.status_code == 200, "200", f"{moved.status_code} {moved.text}")
    second = await trial.next_meeting(referral, after=[first.id])
    data = second.booking.data
    trial.expect(data["sequence"] == 1, "sequence 1", second.booking.line())
    trial.expect(data.get("replaces") == first.id, f"replaces {first.id}", second.booking.line())
    answered = document(moved)["meeting"]["meeting_id"]
    trial.expect(answered == second.id, f"{answered}, as the answer has it", second.booking.line())
    again = await trial.ask("GET", f"{_API}/meetings/{second.id}/place", _READS, locality=trial.locality)
    trial.expect(again.status_code == 200 and document(again)["place"], "the place in words", again.text)


@clause("BOOK-6/later", "A person who asked for later is left alone until their day", parts=BOOKING)
async def later(trial: Trial) -> None:
    """Asks `later` with a day in three weeks, then books again at the person's wish."""
    referral, first = await _booked(trial)
    day = (now().astimezone(LONDON).date() + timedelta(days=21)).isoformat()
    path = f"{_API}/referrals/{referral}"
    answer = await trial.ask("POST", f"{path}/later", _WRITES, {**_who(trial), "on": day}, key=trial.new_id())
    trial.expect(answer.status_code == 200, "200", f"{answer.status_code} {answer.text}")
    said = await trial.first(referral, "meeting_waiting")
    right = said.data["reason"] == "asked_later" and said.data["expected_by"] == day
    trial.expect(right, f"asked_later, {day}", said.line())
    trial.expect(trial.state(referral).active is None, "no meeting", first.booking.line())
    await trial.silent([referral], "nothing until the person's day")
    booked = await trial.ask("POST", f"{path}/book", _WRITES, _who(trial), key=trial.new_id())
    trial.expect(booked.status_code == 200, "200", f"{booked.status_code} {booked.text}")
    await trial.next_meeting(referral, after=[first.id])


@clause("LOOKUPS/keys", "A command sent twice under one key is done once", parts=BOOKING, words=_KEYS)
async def idempotent(trial: Trial) -> None:
    """Sends one cancellation three times under one key, and another request under the same."""
    referral, first = await _booked(trial)
    path, key = f"{_API}/meetings/{first.id}/cancelled", trial.new_id()
    body = {**_who(trial), "by": "person", "why": "unwell"}
    answers = [await trial.ask("POST", path, _WRITES, body, key=key) for _ in range(3)]
    trial.expect(
        all(each.status_code == 200 for each in answers), "200 each time", [a.status_code for a in answers]
    )
    same = all(document(each) == document(answers[0]) for each in answers)
    trial.expect(same, "the same answer each time", [each.text for each in answers])
    await trial.next_meeting(referral, after=[first.id])
    await trial.rest()
    booked = trial.said(referral, "meeting_booked")
    trial.expect(len(booked) == 2, "one cancellation and one booking", trial.heard_lines())
    other = await trial.ask("POST", path, _WRITES, {**body, "why": "other"}, key=key)
    trial.expect(other.status_code == 422, "422 idempotency_key", f"{other.status_code} {other.text}")


@clause(
    "LOOKUPS/refusals",
    "Who may not ask, and what is not there, is refused by its code",
    parts=BOOKING,
    words=_REFUSALS,
)
async def refusals(trial: Trial) -> None:
    """Asks without a token, for another audience, without the scope, and of a meeting that never was."""
    _, first = await _booked(trial)
    path = f"{_API}/meetings/{first.id}/options"
    strange = {"authorization": f"Bearer {trial.kit.token(aud=ANOTHER, scope=_READS)}"}
    for name, headers in (("without a token", {}), ("with a token for another audience", strange)):
        refused = await trial.request("GET", path, headers, how=name, locality=trial.locality)
        trial.expect(refused.status_code == 401, f"401 {name}", f"{refused.status_code} {refused.text[:300]}")
    scoped = await trial.ask("GET", path, "claims:read", locality=trial.locality)
    trial.expect(scoped.status_code == 403, "403 without the scope", scoped.status_code)
    unknown = await trial.ask(
        "GET", f"{_API}/meetings/{trial.new_id()}/options", _READS, locality=trial.locality
    )
    trial.expect(unknown.status_code == 404, "404 for an unknown meeting", unknown.status_code)
    kind = unknown.headers.get("content-type", "")
    trial.expect("problem+json" in kind, "a problem document", kind)


@clause(
    "LOOKUPS/capacity",
    "Capacity counts times and names nobody",
    parts=BOOKING,
    words="Capacity counts times that begin after now, each of one link worker once. It counts no person.",
)
async def capacity(trial: Trial) -> None:
    """Asks for the capacity of two weeks."""
    answer = await trial.ask("GET", f"{_API}/capacity", "capacity:read", locality=trial.locality, weeks=2)
    trial.expect(answer.status_code == 200, "200", answer.status_code)
    weeks = document(answer)["weeks"]
    trial.expect(len(weeks) == 2, "two weeks", answer.text)
    for week in weeks:
        trial.expect(0 <= week["free"] <= week["times"], "free times among all", week)
