"""HTTP for programs: every route under /api/matching/v1. Each feature has its own module."""

from fastapi import APIRouter

from services.matching.booking.api import meeting_routes
from services.matching.casework.api import case_routes
from services.matching.casework.plans_api import plan_routes
from services.matching.prescribing.api import directory_routes, prescription_routes
from services.matching.roster.api import link_worker_routes


def api_routers() -> list[APIRouter]:
    """All API routes. They find features on `request.app.state`."""
    return [
        meeting_routes(),
        case_routes(),
        prescription_routes(),
        directory_routes(),
        link_worker_routes(),
        plan_routes(),
    ]
