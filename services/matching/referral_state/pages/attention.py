"""Reasons why a case needs its link worker: a sentence, the button that deals with it, a second link."""

from typing import Final

from services.matching.referral_state.attention import NeedsYou
from services.matching.referral_state.views import NeedsYouLine
from services.matching.web.grammar import lower_first
from shared.contract import labels
from shared.platform.web.dates import clock_time, day

ANOTHER_SERVICE: Final = "Add another service, or record that nothing was suitable"


def why(task: NeedsYouLine) -> str:
    """The reason as a sentence, with the meeting or service concerned."""
    line, service = task.case, task.service or "The service"
    active = line.active
    meeting = f"{day(active.starts_at)} at {clock_time(active.starts_at)}" if active else ""
    sentences = {
        NeedsYou.HANDED_OVER: "Handed over to you. Read the story so far and say what happens next.",
        NeedsYou.TWO_MISSES: "Did not come twice. Ring and ask whether they still want to meet.",
        NeedsYou.RING: f"Ring them about their appointment on {meeting}: we have not texted."
        if active
        else "Ring them: we have not texted.",
        NeedsYou.NOT_RECORDED: "The appointment is over. Did they come?",
        NeedsYou.SERVICE_SAID_NO: f"{service} cannot take them. Find something else.",
        NeedsYou.SERVICE_SILENT: f"{service} has not answered for 7 days or more. Ring them.",
        NeedsYou.NO_FIRST_VISIT: f"{service}: no first visit yet. Ask how it stands.",
        NeedsYou.DID_NOT_START: f"The first visit to {service} did not happen.",
        NeedsYou.LINK_ENDED: f"{service}: 20 wrong codes were entered, so their link has ended. Ring them.",
        NeedsYou.NO_MEETING: _no_meeting(task),
        NeedsYou.REVIEW_DUE: "The plan is due for a review.",
        NeedsYou.STEP_OVERDUE: _overdue(task),
        NeedsYou.NO_NEXT_STEP: "There is no next step. Say what happens next and by when.",
    }
    return sentences[task.reason.reason]


def _no_meeting(task: NeedsYouLine) -> str:
    reason = task.case.waiting
    because = f" {labels.WAITING[reason.value]}." if reason else ""
    return f"Waiting for an appointment longer than promised.{because}"


def _overdue(task: NeedsYouLine) -> str:
    step = task.case.step
    what = labels.NEXT_STEPS[step.code.value] if step else "The next step"
    return f"The next step is overdue: {lower_first(what)}."


def button_for(task: NeedsYouLine) -> tuple[str, str]:
    """The label of the button and its address."""
    case = f"/matching/cases/{task.case.referral_id}"
    about = task.reason.about
    places = {
        NeedsYou.HANDED_OVER: ("Say what is next", f"{case}?open=next-step#next-step"),
        NeedsYou.TWO_MISSES: ("Record the call", f"{case}?open=contact#contact"),
        NeedsYou.RING: ("Record the call", f"{case}?open=contact#contact"),
        NeedsYou.NOT_RECORDED: ("Record the appointment", f"/matching/meetings/{about}" if about else case),
        NeedsYou.SERVICE_SAID_NO: (ANOTHER_SERVICE, f"{case}/review#services"),
        NeedsYou.SERVICE_SILENT: ("Record their answer", f"{case}/services/{about}#answer"),
        NeedsYou.NO_FIRST_VISIT: ("Record the first visit", f"{case}/services/{about}#visit"),
        NeedsYou.DID_NOT_START: ("Choose what is next", f"{case}?open=next-step#next-step"),
        NeedsYou.LINK_ENDED: ("Send a new link", f"{case}/services/{about}#link"),
        NeedsYou.NO_MEETING: ("Find a time", f"{case}/book"),
        NeedsYou.REVIEW_DUE: ("Review the plan", f"{case}/review"),
        NeedsYou.STEP_OVERDUE: ("Do it or move it", f"{case}?open=next-step#next-step"),
        NeedsYou.NO_NEXT_STEP: ("Say what is next", f"{case}?open=next-step#next-step"),
    }
    return places[task.reason.reason]


def instead_for(task: NeedsYouLine) -> tuple[str, str] | None:
    """The label and address of a second, quiet link, for a case in which the button does not help."""
    case = f"/matching/cases/{task.case.referral_id}"
    places = {
        NeedsYou.HANDED_OVER: ("Record a call", f"{case}?open=contact#contact"),
        NeedsYou.TWO_MISSES: ("Could not be reached? Decline", f"{case}?open=decline#close"),
        NeedsYou.NO_MEETING: ("Hand over to another link worker", f"{case}/hand-over"),
        NeedsYou.DID_NOT_START: (ANOTHER_SERVICE, f"{case}/review#services"),
        NeedsYou.REVIEW_DUE: ("Close the case", f"{case}?open=close#close"),
    }
    return places.get(task.reason.reason)
