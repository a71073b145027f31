"""The page of people who have signed in."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.referral.administration.pages.table import Administrator
from services.referral.administration.people import signed_in
from services.referral.identity.context import Context
from services.referral.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/referral/administration/people")
async def show(request: Request, caller: Administrator, context: Context) -> Response:
    """Serves the list, the last sign-in first."""
    return render(
        request,
        "administration/people.html",
        people=await signed_in(context.mongo, caller),
        names={each.slug: each.name for each in context.localities},
        practices=context.practice_name,
    )
