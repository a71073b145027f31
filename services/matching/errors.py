"""Refusals of commands: a code for programs, a sentence for people, and an HTTP status."""

from typing import Final

_SENTENCES: Final[dict[str, tuple[int, str]]] = {
    "unknown_case": (404, "There is no such case among yours."),
    "unknown_meeting": (404, "There is no such appointment."),
    "unknown_prescription": (404, "There is no such service in the plan."),
    "unknown_fact": (404, "There is nothing of the kind in the case's history."),
    "unknown_service": (404, "There is no such service in the directory."),
    "unknown_cover": (404, "You do not cover this case."),
    "unknown_session": (404, "There is no such session."),
    "unknown_hand_over": (404, "There is no such hand-over of yours."),
    "unknown_appointment": (404, "There is no such entry in the diary."),
    "unknown_calendar": (404, "There is no such calendar. Its address may have been changed."),
    "unknown_diary": (404, "There is no such diary."),
    "unknown_room": (404, "There is no such room."),
    "unknown_link_worker": (404, "There is no such link worker."),
    "case_ended": (409, "The case has ended. Reopen it first."),
    "case_open": (409, "The case is open."),
    "case_erased": (409, "The person has been erased. Nothing can be added."),
    "meeting_not_standing": (409, "That appointment was cancelled or moved."),
    "meeting_over": (409, "That appointment is over. Say whether they came."),
    "too_early": (409, "The appointment has not begun yet."),
    "already_booked": (409, "There is an appointment already. Choose another time for it."),
    "already_met": (409, "They have met already. Close the case instead."),
    "slot_taken": (409, "Somebody else has that time by now. Choose another."),
    "meetings_there": (409, "People are booked into this time. Say that their appointments may be moved."),
    "no_other_time": (409, "No other time is free within eight weeks."),
    "not_away": (409, "This is not among the days off."),
    "changed_since": (409, "This was changed meanwhile. Load the page again, and change it there."),
    "not_serving": (409, "That link worker does not meet people of this practice."),
    "covered_case": (409, "You cover this case. Its own link worker hands it over."),
    "nobody_before": (409, "Nobody had this case before. Hand it to a colleague instead."),
    "own_case": (409, "This case is yours: you need no cover for it."),
    "does_not_wait": (409, "This case waits for nobody. Cover it, or ask its link worker to hand it over."),
    "too_late": (409, "It is more than a day ago. Hand the cases back instead."),
    "already_in_plan": (409, "That service is in the plan already."),
    "not_offered": (409, "That service is not open to anybody at the moment."),
    "signposted": (409, "Only details of that service were given: it was not asked."),
    "sandbox": (409, "This is a sandbox: no mail is sent from here."),
    "already_started": (409, "The first visit has been recorded. Undo it first."),
    "not_started_yet": (409, "No first visit has been recorded yet."),
    "cannot_undo": (409, "This cannot be undone here."),
    "referred_again": (409, "The practice has referred this person again. Go on with that referral."),
    "already_undone": (409, "This has been undone already."),
    "next_step_needed": (422, "Say what happens next, and by when."),
    "service_in_plan": (
        422,
        "A service for this need is in the plan, so one exists. Choose another reason, or undo the service.",
    ),
    "no_service_said": (
        422,
        "It was said today that no service exists for this need. Undo that, or choose another need.",
    ),
    "step_date": (422, "The next step's date is from today to a year ahead."),
    "date_in_future": (422, "That day has not come yet."),
    "date_too_early": (422, "That day is before the referral."),
    "reason_needed": (422, "Say why it is not suitable."),
    "not_yours_to_say": (422, "This reason is not one that people give."),
    "session_day": (422, "The session was on a day of the last year, today at the latest."),
    "next_session_day": (422, "The next session is after this one, within a year."),
    "appointment_times": (422, "It must end after it begins, on the same day."),
    "appointment_over": (422, "This time is over."),
    "appointment_until": (422, "Choose a day from a week after the first to a year after it."),
    "appointment_far": (422, "Choose a day up to a year ahead."),
    "note_number": (422, "The note is about you, not about a person: leave out telephone and NHS numbers."),
    "later_date": (422, "Choose a day from tomorrow to a year ahead."),
}


# The field of a body that caused a refusal.
_POINTERS: Final = {"service_in_plan": "/reason", "no_service_said": "/need"}


class Refused(Exception):
    """The command makes no sense in the present state. Nothing was written.

    Attributes:
        code: the refusal, for programs.
        status: its HTTP status.
        sentence: plain English, without anything of the case.
        pointer: the field of the body that caused the refusal, as a JSON pointer; None for none.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.sentence = _SENTENCES[code]
        self.pointer = _POINTERS.get(code)
