"""The banner that confirms an action, with Undo if the action can be undone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

if TYPE_CHECKING:
    # For the types alone: at run time `web` knows no feature.
    from services.matching.referral_state.views import Done, FactLine


SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "contact": "The contact is recorded.",
        "next-step": "The next step is saved.",
        "moved": "The appointment is moved.",
        "moved-with-case": "The appointment is with another link worker, and the case is now theirs.",
        "booked": "An appointment is booked.",
        "confirmed": "The time is confirmed.",
        "time-kept": "The time is kept free.",
        "time-freed": "The entry is removed. The time can be booked again.",
        "off-sick": "Your day is closed for appointments.",
        "later": "They will be offered an appointment after that day.",
        "missed": "Recorded: they did not come.",
        "draft": "The draft is saved. It is not part of the record until you save the appointment.",
        "met": "The appointment is saved.",
        "reviewed": "The plan is saved.",
        "reply": "The service’s answer is recorded.",
        "started": "The first visit is recorded.",
        "ended": "Recorded: it has ended.",
        "not-started": "Recorded: the first visit did not happen.",
        "sharing": "The agreement is recorded.",
        "unmet": "Recorded: nothing suitable for this need.",
        "prescribed": "The service is added to the plan.",
        "declined": "The referral is declined.",
        "handed-over": "The case is handed over.",
        "covered": "The case is open to you. Its link worker sees that you opened it, and why.",
        "cover-ended": "You no longer cover that case.",
        "supervised": "The session is recorded.",
        "session-withdrawn": "The session is taken back.",
        "closed": "The case is closed.",
        "no-longer-wants": "Recorded: they no longer want this.",
        "returned": "The referral is sent back to the practice.",
        "reopened": "The case is open again.",
        "reopened-booked": "The case is open again, and an appointment is booked.",
        "undone": "Undone.",
        "places-free": "Recorded: they have places again.",
        "places-back": "Taken back. What they said before counts again.",
        "link-ended": "The service’s link has ended. Nobody can use it any more.",
        "link-sent": "A new link is on its way to the service by email.",
        "link-settled": "The link stays ended.",
        "entry-added": "The link worker is added. Now enter their hours.",
        "entry-saved": "The change is saved.",
        "feed-saved": "The feed is saved. Try it before you take it.",
        "feed-removed": "The feed is removed.",
        "leave-ended": "The leave ends on the day before they are back.",
        "flagged": "Thank you. Somebody will check this listing.",
    }
)

# The id of a hand-over.
_BATCH = re.compile(r"[0-9a-f-]{32,36}")


@dataclass(frozen=True, slots=True)
class Undo:
    """The address and fields of the POST that undoes the action."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Banner:
    """The confirmation and its Undo."""

    text: str
    undo: Undo | None = None


def back_to(path: str, what: str, done: "Done | None" = None, anchor: str = "") -> RedirectResponse:
    """Redirects to a page that shows a banner. The address holds only codes and an event's id."""
    query = {"done": what}
    if done is not None and (fact := _to_undo(done.said)):
        query["said"] = fact.event_id
    return RedirectResponse(f"{path}?{urlencode(query)}{'#' + anchor if anchor else ''}", 303)


def banner(request: Request, history: "Iterable[FactLine]" = (), undo_at: str = "") -> Banner | None:
    """The banner that the address asks for. Undo is offered only while the fact still stands."""
    text = SENTENCES.get(request.query_params.get("done", ""))
    if text is None:
        return None
    batch = request.query_params.get("batch", "")
    if _BATCH.fullmatch(batch):
        return Banner(text, Undo(f"/matching/handed-over/{batch}/undo", {}))
    said = request.query_params.get("said")
    fact = next((f for f in history if f.event_id == said and f.undo and not f.undone), None)
    if fact is None or not undo_at:
        return Banner(text)
    return Banner(text, Undo(undo_at, {"source": fact.source, "event": fact.event_id}))


def _to_undo(said: "tuple[FactLine, ...]") -> "FactLine | None":
    """The fact that the banner can undo; None if there is more than one."""
    able = [fact for fact in said if fact.undo]
    return able[0] if len(able) == 1 else None
