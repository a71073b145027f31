"""Everything that a person can do in matching. Pages and API go through here and nowhere else.

Each action checks that the caller may touch the case (404 otherwise), is refused with a `Problem` where it
makes no sense, and leaves an open case with a next step and a date: the one given, or the one that follows
from the case (booked: meet on the day; asked: wait for the service 7 days; accepted: check the first visit 14
days later). Where none follows and none is given: 422, code `next_step_needed`.
"""

from datetime import date

from services.matching.said import Asked, MeetingRecord, Prescribing
from services.matching.shown import Done, Introduced, ListingFault, ToRing
from shared.events import vocabulary as v
from shared.events.outcomes import NextStep


class Actions:
    """What people do: link workers, practice staff (another time) and services (answers)."""

    # Meetings

    async def attended(self, asked: Asked, meeting_id: str, next_step: NextStep | None = None) -> Done:
        """They came. Refused (409) before the meeting's day and for a cancelled meeting."""
        raise NotImplementedError

    async def missed(self, asked: Asked, meeting_id: str) -> Done:
        """They did not come. The first miss is rebooked at once; the second is for the link worker."""
        raise NotImplementedError

    async def cancel(self, asked: Asked, meeting_id: str, by: v.By, why: v.CancelReason) -> Done:
        """Cancels a meeting; an open case gets the next suitable time, or a stated reason for none."""
        raise NotImplementedError

    async def another_time(self, asked: Asked, meeting_id: str, slot: str | None = None) -> Done:
        """Moves a meeting to `slot` (a `Slot.key` of `Queries.options`) or, with None, to the next suitable.

        Refused (409, code `slot_taken`) where somebody else has it by now. Practice staff may do this for
        their own practice's meetings.
        """
        raise NotImplementedError

    async def confirm(self, asked: Asked, meeting_id: str) -> Done:
        """The person says yes to the provisional time (the same meeting, no longer provisional)."""
        raise NotImplementedError

    async def book(self, asked: Asked, referral_id: str, slot: str | None = None) -> Done:
        """Books a meeting where none is active: after two misses, after waiting, or a further one."""
        raise NotImplementedError

    async def later(self, asked: Asked, referral_id: str, on: date) -> Done:
        """The person asks not to be booked before that day: cancels what is booked, waits until then."""
        raise NotImplementedError

    async def off_sick(self, asked: Asked, link_worker: str, day: date) -> list[ToRing]:
        """Frees that day of a link worker, rebooks everybody and gives the people to ring, by time of day.

        Doing it again gives the same list and changes nothing.
        """
        raise NotImplementedError

    # The case

    async def plan(
        self, asked: Asked, referral_id: str, record: MeetingRecord, meeting_id: str | None = None
    ) -> Done:
        """Saves what was agreed; `meeting_id`: that meeting took place (it is marked as attended).

        Texts go to the vault first; 503 where it does not answer, and nothing is saved. The draft is dropped.
        """
        raise NotImplementedError

    async def prescribe(
        self, asked: Asked, referral_id: str, prescribing: Prescribing, next_step: NextStep | None = None
    ) -> Done:
        """Adds a service to the plan. 409 `already_in_plan` where it is being asked already."""
        raise NotImplementedError

    async def contact(
        self,
        asked: Asked,
        referral_id: str,
        channel: v.Channel,
        reached: bool,
        note: str = "",
        next_step: NextStep | None = None,
    ) -> Done:
        """The link worker rang or wrote. Reached by telephone: off the ring list."""
        raise NotImplementedError

    async def unmet(
        self,
        asked: Asked,
        referral_id: str,
        need: v.Need,
        reason: v.UnmetReason,
        next_step: NextStep | None = None,
    ) -> Done:
        """Nothing suitable for this need."""
        raise NotImplementedError

    async def next_step(self, asked: Asked, referral_id: str, next_step: NextStep, note: str = "") -> Done:
        """Says what happens next and by when: today at the earliest, within a year."""
        raise NotImplementedError

    async def sharing(
        self,
        asked: Asked,
        referral_id: str,
        agreement: v.Agreement,
        agreed: v.Agreed,
        prescription_id: str | None = None,
    ) -> Done:
        """An agreement asked by the link worker; replaces the earlier answer to the same question."""
        raise NotImplementedError

    async def change_link_worker(self, asked: Asked, referral_id: str, link_worker: str) -> Done:
        """Hands the case to another link worker of the same practice; a future meeting moves to them."""
        raise NotImplementedError

    async def retract(
        self, asked: Asked, referral_id: str, source: str, event_id: str, reason: v.RetractReason
    ) -> Done:
        """Undoes a fact of the case. 404 for an unknown fact, 409 where it cannot be undone."""
        raise NotImplementedError

    # Its ends

    async def no_longer_wants(self, asked: Asked, referral_id: str, by: v.By = v.By.PERSON) -> Done:
        """The person does not want it any more: declined before a first meeting, closed after one."""
        raise NotImplementedError

    async def close(self, asked: Asked, referral_id: str, reason: v.CloseReason, note: str = "") -> Done:
        """Closes the case; a future meeting is cancelled and its time is free again."""
        raise NotImplementedError

    async def reopen(
        self, asked: Asked, referral_id: str, note: str = "", next_step: NextStep | None = None
    ) -> Done:
        """Undoes every end of the case; books again where no meeting was attended."""
        raise NotImplementedError

    async def decline(self, asked: Asked, referral_id: str, by: v.By, reason: v.DeclineReason) -> Done:
        """By the person, the link worker or the programme: it does not begin."""
        raise NotImplementedError

    async def give_back(self, asked: Asked, referral_id: str, reason: v.ReturnReason, note: str = "") -> Done:
        """Returns the referral to whoever made it."""
        raise NotImplementedError

    # Services

    async def reply(
        self,
        asked: Asked,
        prescription_id: str,
        reply: v.Reply,
        weeks: int | None = None,
        reason: v.NotSuitableReason | None = None,
    ) -> Done:
        """A service's answer, typed in by the link worker who rang them or said by the service itself."""
        raise NotImplementedError

    async def started(
        self,
        asked: Asked,
        prescription_id: str,
        on: date,
        accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN,
        next_step: NextStep | None = None,
    ) -> Done:
        """The first visit happened, on that day (not in the future)."""
        raise NotImplementedError

    async def not_started(
        self, asked: Asked, prescription_id: str, barrier: v.Barrier, next_step: NextStep | None = None
    ) -> Done:
        """The first visit did not happen; what stopped it."""
        raise NotImplementedError

    async def ended(
        self,
        asked: Asked,
        prescription_id: str,
        reason: v.EndReason,
        next_step: NextStep | None = None,
    ) -> Done:
        """The person no longer goes there, and why."""
        raise NotImplementedError

    async def flag_listing(self, asked: Asked, service_id: str, wrong: ListingFault) -> None:
        """Somebody says that a directory entry is wrong; kept for the programme. 404: unknown service."""
        raise NotImplementedError

    # One-tap links: no sign-in, the signed token says which prescription and service

    async def answer_link(
        self,
        token: str,
        reply: v.Reply,
        weeks: int | None = None,
        reason: v.NotSuitableReason | None = None,
        key: str | None = None,
    ) -> Done:
        """The service's answer through its link; a further one takes the place of the earlier.

        Raises a Problem: 404 `link_altered`, 410 `link_expired`, 409 `case_ended`, 422 for a missing number
        of weeks or reason.
        """
        raise NotImplementedError

    async def visited_link(
        self,
        token: str,
        on: date | None = None,
        accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN,
        barrier: v.Barrier | None = None,
        key: str | None = None,
    ) -> Done:
        """The service says that the first visit happened (`on`), or what stopped it (`barrier`)."""
        raise NotImplementedError

    async def send_code(self, token: str) -> None:
        """Sends a six-digit code to the service's registered e-mail address; it holds for 15 minutes.

        409 `not_agreed` where name and contact may not be shared or the service has not said yes,
        409 `no_address`, 429 after five codes in an hour, 503 where the mail cannot be handed over.
        """
        raise NotImplementedError

    async def reveal(self, token: str, code: str) -> Introduced:
        """Name and telephone, once, against the code. 403 `wrong_code` (five tries), 410 `code_expired`."""
        raise NotImplementedError
