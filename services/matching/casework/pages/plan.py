"""The plan on one sheet of paper, for the person to take home: /matching/cases/{referral}/plan."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.casework.pages.plan_and_scores import words_of_plan
from services.matching.directory.pages.service_words import ServiceInWords, in_words
from services.matching.referral_state.pages.person_header import NAME_AND_TELEPHONE, person_contact
from services.matching.referral_state.views import PrescriptionShown
from services.matching.web.features import queries
from services.matching.web.templating import SignedInLinkWorker, render, today

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
async def plan(request: Request, referral: str, caller: SignedInLinkWorker) -> Response:
    """Serves the sheet."""
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "meeting")
    agreed = case.story.plan
    notes = await asks.referrals.notes(caller, referral, words_of_plan(case))
    current = [each for each in case.prescriptions if each.status not in OVER]
    current = sorted(current, key=lambda each: each.prescribed_at, reverse=True)[:MOST_SERVICES]
    entries = await asks.catalogues.listed(case.line.locality, [each.service_id for each in current])
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
                in_words(listed.service, day, listed.availability)
                if (listed := entries.get(each.service_id))
                else None,
            )
            for each in current
        ],
        link_worker=await asks.roster.link_worker(caller),
        words_missing=bool(words_of_plan(case)) and not notes,
    )
