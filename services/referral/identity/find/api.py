"""The HTTP route that finds people. A POST, so that nothing typed stands in an address."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.referral.identity.context import Context
from services.referral.identity.find.inputs import query_of
from services.referral.identity.find.queries import SEARCHERS, find_people
from services.referral.identity.find.schemas import PeopleFound, PersonSearch
from services.referral.web.errors import ValidationFailed
from services.referral.web.parameters import BASE
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

router = APIRouter(prefix=BASE, tags=["referrals"])

Searcher = Annotated[Principal, Depends(require(*SEARCHERS))]


@router.post("/people/find")
async def find(search: PersonSearch, caller: Searcher, context: Context) -> PeopleFound:
    """People of the caller's practices or cases, best first. Audited, with the names of the fields.

    The programme team gets referrals without identity, and must name one person.
    """
    try:
        return PeopleFound.of(await find_people(context, caller, query_of(search.typed())))
    except ValidationFailed as refused:
        raise Problem(422, code="not_taken", errors=refused.errors) from None
