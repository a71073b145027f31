"""HTTP for programs: every route under /api/matching/v1. What they do is in `actions` and `queries`."""

from fastapi import APIRouter

from services.matching.api_cases import case_routes
from services.matching.api_link_workers import link_worker_routes
from services.matching.api_meetings import meeting_routes
from services.matching.api_plans import plan_routes
from services.matching.api_services import directory_routes, prescription_routes


def api_routers() -> list[APIRouter]:
    """All API routes. They find actions and queries on `request.app.state`."""
    return [
        meeting_routes(),
        case_routes(),
        prescription_routes(),
        directory_routes(),
        link_worker_routes(),
        plan_routes(),
    ]
