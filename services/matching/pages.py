"""Pages of matching: caseload, cases and meetings; the link of a service; the directory; the programme."""

from typing import Final

from fastapi import APIRouter

from services.matching.booking.pages import calendar, diary, rebook
from services.matching.casework.pages import case, case_forms, caseload, hand_over, meeting, plan
from services.matching.casework.team.pages import cover, handing_over, queue
from services.matching.directory.pages import feeds, search
from services.matching.prescribing.pages import prescription
from services.matching.programme.desk.pages import desk, supervision
from services.matching.programme.pages import administration, overview
from services.matching.provider.pages import claims, mailbox, one_tap_link
from services.matching.roster.pages import appointments, away, leave, link_workers, rooms
from services.matching.web.templating import static_files

# In this order: the first route that fits an address answers it.
PAGE_ROUTERS: Final[tuple[APIRouter, ...]] = (
    caseload.router,
    away.router,
    calendar.router,
    diary.router,
    appointments.router,
    link_workers.router,
    leave.router,
    rooms.router,
    rebook.router,
    meeting.router,
    plan.router,
    prescription.router,
    hand_over.router,
    handing_over.router,
    cover.router,
    queue.router,
    case_forms.router,
    case.router,
    search.router,
    feeds.router,
    overview.router,
    supervision.router,
    desk.router,
    administration.router,
    claims.router,
    mailbox.router,
    one_tap_link.router,
    static_files.router(),
)
