"""Labels of how far a referral is, of what comes next, and of why it ended."""

from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.history.stage import Stage
from shared.contract.labels.table import Labels, labels

STAGES: Final[Labels] = labels(
    {
        Stage.UNKNOWN: "Not known yet",
        Stage.WAITING: "Waiting for an appointment",
        Stage.BOOKED: "Appointment booked",
        Stage.MISSED: "Did not come",
        Stage.MET: "Met the link worker",
        Stage.PRESCRIBED: "Service in the plan",
        Stage.STARTED: "First visit made",
        Stage.DECLINED: "Declined",
        Stage.RETURNED: "Sent back to the practice",
        Stage.WITHDRAWN: "Withdrawn",
        Stage.CLOSED: "Closed",
        Stage.ERASED: "Erased",
    }
)

# Beside the word, never instead of it; every other stage is grey.
STAGE_COLOURS: Final[Labels] = labels(
    {
        Stage.WAITING: "orange",
        Stage.BOOKED: "blue",
        Stage.MISSED: "red",
        Stage.MET: "purple",
        Stage.PRESCRIBED: "aqua-green",
        Stage.STARTED: "green",
    }
)

NEXT_STEPS: Final[Labels] = labels(
    {
        v.NextStepCode.MEET: "Meet",
        v.NextStepCode.RING: "Ring them",
        v.NextStepCode.TEXT: "Text them",
        v.NextStepCode.WAIT_FOR_SLOT: "Wait for an appointment",
        v.NextStepCode.WAIT_FOR_SERVICE: "Hear from the service",
        v.NextStepCode.GO_ALONG: "Go along with them",
        v.NextStepCode.CHECK_FIRST_VISIT: "Check that the first visit happened",
        v.NextStepCode.REVIEW: "Review the plan",
        v.NextStepCode.CLOSE: "Close",
    }
)

# A day follows "by".
PLAN_NEXT_STEPS: Final[Labels] = labels(
    {
        v.NextStepCode.MEET: "We meet again",
        v.NextStepCode.RING: "Your link worker rings you",
        v.NextStepCode.TEXT: "Your link worker texts you",
        v.NextStepCode.WAIT_FOR_SLOT: "You hear from us about an appointment",
        v.NextStepCode.WAIT_FOR_SERVICE: "The service gets in touch with you",
        v.NextStepCode.GO_ALONG: "We go along together",
        v.NextStepCode.CHECK_FIRST_VISIT: "Your link worker asks how the first visit went",
        v.NextStepCode.REVIEW: "We look at the plan together",
        v.NextStepCode.CLOSE: "We say goodbye for now",
    }
)

# A day follows. `in_touch` is said before there is any appointment.
PRACTICE_NEXT_STEPS: Final[Labels] = labels(
    {
        v.NextStepCode.MEET: "The link worker meets them again by",
        "in_touch": "We will be in touch by",
        v.NextStepCode.RING: "The link worker will ring by",
        v.NextStepCode.TEXT: "The link worker will send a text by",
        v.NextStepCode.WAIT_FOR_SLOT: "An appointment is expected by",
        v.NextStepCode.WAIT_FOR_SERVICE: "An answer from a service is expected by",
        v.NextStepCode.GO_ALONG: "The link worker goes along to the first visit by",
        v.NextStepCode.CHECK_FIRST_VISIT: "The link worker asks how the first visit went, by",
        v.NextStepCode.REVIEW: "The plan is looked at again by",
        v.NextStepCode.CLOSE: "To be closed by",
    }
)

WAITING: Final[Labels] = labels(
    {
        v.WaitingReason.NO_SLOT: "No appointment is free yet",
        v.WaitingReason.NO_LINK_WORKER: "There is no link worker for this practice yet",
        v.WaitingReason.PERSON_NOT_REACHED: "They could not be reached",
        v.WaitingReason.ASKED_LATER: "They asked for a later time",
    }
)

# The statuses of one appointment.
MEETINGS: Final[Labels] = labels(
    {
        "booked": "Appointment booked",
        "attended": "They came to this appointment",
        "missed": "They did not come to this appointment",
        "cancelled": "This appointment was cancelled",
        "replaced": "This appointment was moved to another time",
    }
)

# Beside an appointment of today, once it is over.
DIARY_MEETINGS: Final[Labels] = labels(
    {"booked": "", "attended": "Came", "missed": "Did not come", "cancelled": "", "replaced": ""}
)

CANCELLED: Final[Labels] = labels(
    {
        v.CancelReason.ANOTHER_TIME: "They asked for another time",
        v.CancelReason.UNWELL: "They are unwell",
        v.CancelReason.LINK_WORKER_AWAY: "The link worker is away",
        v.CancelReason.NO_LONGER_WANTS: "They no longer want it",
        v.CancelReason.REFERRAL_ENDED: "The referral ended",
        v.CancelReason.SLOT_TAKEN: "The time was taken",
        v.CancelReason.OTHER: "Another reason",
    }
)

DECLINED: Final[Labels] = labels(
    {
        v.DeclineReason.DOES_NOT_WANT: "They do not want it",
        v.DeclineReason.NOT_REACHED: "They could not be reached",
        v.DeclineReason.NEEDS_OTHER_CARE: "They need other care first",
        v.DeclineReason.OUTSIDE_PROGRAMME: "They are outside the programme’s area",
        v.DeclineReason.DUPLICATE: "They have been referred already",
        v.DeclineReason.OTHER: "Another reason",
    }
)

RETURNED: Final[Labels] = labels(
    {
        v.ReturnReason.MORE_DETAIL: "More detail is needed",
        v.ReturnReason.WRONG_PLACE: "It came to the wrong place",
        v.ReturnReason.NEEDS_OTHER_CARE: "They need other care first",
    }
)

WITHDRAWN: Final[Labels] = labels(
    {
        v.WithdrawReason.PERSON_ASKED: "The person asked for it",
        v.WithdrawReason.MADE_IN_ERROR: "It was made by mistake",
        v.WithdrawReason.MOVED_AWAY: "They moved away",
        v.WithdrawReason.DIED: "They died",
        v.WithdrawReason.OTHER: "Another reason",
    }
)

CLOSED: Final[Labels] = labels(
    {
        v.CloseReason.COMPLETED: "The plan is complete",
        v.CloseReason.NO_LONGER_WANTS: "They no longer want it",
        v.CloseReason.NOT_REACHED: "They could not be reached",
        v.CloseReason.MOVED_AWAY: "They moved away",
        v.CloseReason.DIED: "They died",
        v.CloseReason.NOTHING_SUITABLE: "There was nothing suitable",
        v.CloseReason.OTHER: "Another reason",
    }
)

RETRACTED: Final[Labels] = labels(
    {
        v.RetractReason.ENTERED_IN_ERROR: "Entered by mistake",
        v.RetractReason.UNDONE: "Undone",
        v.RetractReason.WRONG_PERSON: "It was about somebody else",
    }
)

INSTRUMENTS: Final[Labels] = labels(
    {
        v.Instrument.ONS4: "Personal wellbeing (ONS4)",
        v.Instrument.DIRECT_LONELINESS: "Loneliness, asked directly",
        v.Instrument.UCLA3: "Loneliness (UCLA, 3 questions)",
        v.Instrument.PHQ9: "Depression (PHQ-9)",
        v.Instrument.GAD7: "Anxiety (GAD-7)",
        v.Instrument.SWEMWBS: "Mental wellbeing (SWEMWBS)",
    }
)

# The stage at which a questionnaire was answered; not the stage of a referral.
MEASURED_AT: Final[Labels] = labels(
    {v.Stage.BEFORE: "Before", v.Stage.REVIEW: "At a review", v.Stage.AFTER: "Afterwards"}
)

# Kinds of fact, as the practice reads them: never what somebody's plan is about.
HAPPENED: Final[Labels] = labels(
    {
        "referral_created": "Referral made",
        "meeting_booked": "Appointment booked",
        "meeting_waiting": "No appointment yet",
        "meeting_cancelled": "Appointment cancelled",
        "meeting_attended": "Met the link worker",
        "meeting_missed": "Did not come to the appointment",
        "link_worker_changed": "Another link worker took over",
        "activity_started": "First visit to a service",
        "activity_not_started": "First visit did not happen",
        "activity_ended": "Visits to a service ended",
        "need_unmet": "Nothing suitable was found for one need",
        "referral_declined": "Declined",
        "referral_returned": "Sent back to the practice",
        "referral_withdrawn": "Withdrawn",
        "referral_closed": "Closed",
        "referral_reopened": "Opened again",
        "contact_changed": "Safe to text was changed",
        "person_erased": "Details erased",
    }
)
