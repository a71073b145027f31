"""HTTP for programs: every route under /api/matching/v1, and what other parts ask. A module a feature."""

from typing import Final

from fastapi import APIRouter

from services.matching.booking import api as booking
from services.matching.booking import contract_api as booking_for_parts
from services.matching.casework import api as casework
from services.matching.casework.team import api as team
from services.matching.directory import api as directory
from services.matching.directory import feeds_api
from services.matching.prescribing import api as prescribing
from services.matching.programme.desk import api as desk
from services.matching.provider import api as provider
from services.matching.roster import api as roster
from services.matching.roster import appointments_api as appointments
from services.matching.roster import rooms_api

API_ROUTERS: Final[tuple[APIRouter, ...]] = (
    booking.router,
    casework.caseload_router,
    casework.router,
    team.router,
    desk.router,
    prescribing.router,
    provider.router,
    directory.router,
    feeds_api.router,
    provider.claims_router,
    roster.router,
    appointments.router,
    rooms_api.router,
    casework.plans_router,
    booking_for_parts.router,
    roster.contract_router,
    casework.contract_router,
    directory.contract_router,
    provider.contract_router,
)
