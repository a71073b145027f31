"""The page from which the programme is set up and kept: one link a subject."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.web.templating import Administrator, render

router = APIRouter(include_in_schema=False)

# Address, name, and what is done there, in the order of setting up.
SUBJECTS: Final = (
    (
        "/referral/administration/localities",
        "Localities and practices",
        "Set up a locality, add a practice, change who answers for it.",
    ),
    (
        "/matching/administration/rooms",
        "Sites and rooms",
        "Add a room, and say how many appointments it takes at a time.",
    ),
    (
        "/matching/administration/link-workers",
        "Link workers",
        "Add a link worker, change hours, languages and caseload, record leave and sickness.",
    ),
    (
        "/matching/administration/feeds",
        "Directory feeds",
        "Add a feed, try it, say how often it is fetched and whether it is trusted.",
    ),
    (
        "/matching/administration/services",
        "Services and their mailboxes",
        "Whose mailbox is confirmed, what they said of their places, which entries are reported as wrong.",
    ),
    (
        "/referral/administration/rules",
        "Programme rules",
        "Missed appointments, reminders, travel, and when services are rung and plans reviewed.",
    ),
    (
        "/referral/administration/notices",
        "Notices",
        "A text on every page, for everybody or for some localities, for a time.",
    ),
    (
        "/referral/administration/table",
        "Changes of the programme",
        "What was changed when, what waits for its time, and the way back.",
    ),
    (
        "/referral/administration/people",
        "People who have signed in",
        "Their role, where they work, and when they last signed in.",
    ),
)


@router.get("/matching/administration")
async def subjects(request: Request, caller: Administrator) -> Response:
    """Serves the page."""
    return render(request, "administration.html", subjects=SUBJECTS)
