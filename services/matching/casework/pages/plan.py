"""The plan on one sheet of paper, for the person to take home: /matching/cases/{referral}/plan."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.matching.directory.pages.service_words import ServiceInWords, in_words
from services.matching.referral_state.pages.person_header import NAME_AND_TELEPHONE, person_contact
from services.matching.referral_state.views import CaseShown, PrescriptionShown
from services.matching.web.features import queries
from services.matching.web.templating import render, today
from shared.platform.web.auth import require_page
from shared.platform.web.principal import Principal

LinkWorkerReader = Annotated[Principal, Depends(require_page("link_worker"))]

router = APIRouter(include_in_schema=False)


OVER = ("full", "not_suitable", "ended")
# The sheet has room for these. The latest come first.
MOST_SERVICES = 5


@dataclass(frozen=True, slots=True)
class GoalLine:
    """A goal in the person's own words."""

    words: str
    importance: int | None
    confidence: int | None


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A service with its listing: place, times, contact. None: no longer in the directory."""

    prescription: PrescriptionShown
    listing: ServiceInWords | None


@router.get("/matching/cases/{referral}/plan")
async def plan(request: Request, referral: str, caller: LinkWorkerReader) -> Response:
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "meeting")
    agreed = case.story.plan
    notes = await asks.referrals.notes(caller, referral, _words_wanted(case))
    current = [each for each in case.prescriptions if each.status not in OVER]
    current = sorted(current, key=lambda each: each.prescribed_at, reverse=True)[:MOST_SERVICES]
    entries = await asks.directory.services([each.service_id for each in current])
    places = await asks.directory.availability(entries.values())
    day = today(request)
    return render(
        request,
        "plan.html",
        line=case.line,
        case_at=f"/matching/cases/{referral}",
        person=person_contact(people, referral),
        today=day,
        what_matters=notes.get(agreed.what_matters or "", "") if agreed else "",
        goals=[
            GoalLine(notes.get(goal.words or "", ""), goal.importance, goal.confidence)
            for goal in (agreed.goals if agreed else ())
        ],
        services=[
            ServiceLine(
                each,
                in_words(entries[each.service_id], day, places[each.service_id])
                if each.service_id in entries
                else None,
            )
            for each in current
        ],
        link_worker=await asks.roster.link_worker(caller),
        words_missing=bool(_words_wanted(case)) and not notes,
    )


def _words_wanted(case: CaseShown) -> list[str]:
    plan = case.story.plan
    if plan is None:
        return []
    return [note for note in (plan.what_matters, *(goal.words for goal in plan.goals)) if note]
