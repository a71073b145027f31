"""Pages of matching: the link worker's desk, cases and meetings; what services see; the directory."""

from fastapi import APIRouter

from services.matching.booking.pages.rebook import rebook_routes
from services.matching.casework.pages.case import case_routes
from services.matching.casework.pages.case_forms import case_form_routes
from services.matching.casework.pages.caseload import desk_routes
from services.matching.casework.pages.hand_over import hand_over_routes
from services.matching.casework.pages.meeting import meeting_routes
from services.matching.casework.pages.plan import plan_routes
from services.matching.directory.pages.search import directory_routes
from services.matching.prescribing.pages.prescription import prescription_routes
from services.matching.programme.pages.overview import programme_routes
from services.matching.provider.pages.asks import ask_routes
from services.matching.provider.pages.mailbox import mailbox_routes
from services.matching.roster.pages.away import away_routes
from services.matching.web.templating import make_pages, static_files

__all__ = ["make_pages", "page_routers"]


def page_routers() -> list[APIRouter]:
    """All page routes. They find actions, queries and localities on `request.app.state`."""
    return [
        desk_routes(),
        away_routes(),
        rebook_routes(),
        meeting_routes(),
        plan_routes(),
        prescription_routes(),
        hand_over_routes(),
        case_form_routes(),
        case_routes(),
        directory_routes(),
        programme_routes(),
        mailbox_routes(),
        ask_routes(),
        static_files.router(),
    ]
