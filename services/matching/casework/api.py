"""HTTP: cases, caseloads, and plans for other services."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from services.matching.booking.schemas import Count, Later, Moving, OptionsOut, SlotOut, wanted_times
from services.matching.booking.wanted import TimesWanted
from services.matching.casework.case_list import CASELOAD, after_case, chosen_cases
from services.matching.casework.inputs import (
    Closure,
    Contact,
    Decline,
    HandingOver,
    Retraction,
    Return,
    UnmetNeed,
)
from services.matching.casework.schemas import (
    CaseloadOut,
    CasesAsked,
    Closing,
    ContactIn,
    Declining,
    GivingBack,
    HandOver,
    NeedsYouOut,
    NextStepIn,
    NoLongerWants,
    PlanIn,
    PlansAsked,
    Reopening,
    RetractIn,
    SharingAsked,
    SharingIn,
    UnmetIn,
)
from services.matching.prescribing.inputs import Prescribing, SharingAnswer
from services.matching.prescribing.schemas import PrescriptionIn, RankedOut, SuggestedOut
from services.matching.referral_state.views import CaseLine, Done
from services.matching.request import RequestContext
from services.matching.web.features import check_here, features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    DeskCaller,
    HandsOverCaller,
    Key,
    OwnCaller,
    Reference,
)
from shared.contract.api.casework import (
    CASE_LINK_WORKERS,
    PLAN_SUMMARIES,
    SHARING,
    CaseLinkWorkers,
    Plans,
    SharingRecorded,
)
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.platform.web.lists import ListChoice
from shared.platform.web.principal import Principal
from shared.platform.web.seams import asked_by

PlanReader = Annotated[Principal, Depends(asked_by(PLAN_SUMMARIES))]
SharingReader = Annotated[Principal, Depends(asked_by(SHARING))]
ContactReader = Annotated[Principal, Depends(asked_by(CASE_LINK_WORKERS))]

router = APIRouter(prefix=f"{BASE}/referrals/{{referral_id}}", tags=["cases"], responses=REFUSALS)
caseload_router = APIRouter(prefix=BASE, tags=["meetings"], responses=REFUSALS)
# The referral service requests this for a person's own practice.
plans_router = APIRouter(prefix=BASE, tags=["between services"], responses=REFUSALS)
contract_router = APIRouter(tags=["between parts"], responses=REFUSALS)


@router.get("")
async def case(request: Request, referral_id: Reference, caller: OwnCaller) -> CaseLine:
    """The case as a line: codes, dates and references."""
    return (await queries(request).referrals.case(caller, referral_id)).line


@router.get("/options")
async def options(
    request: Request,
    referral_id: Reference,
    caller: OwnCaller,
    wanted: Annotated[TimesWanted, Depends(wanted_times)],
    count: Count = 3,
) -> OptionsOut:
    """Suitable times for a case, earliest first."""
    found = await queries(request).booking.options_for(caller, referral_id, count, wanted=wanted)
    return OptionsOut(options=[SlotOut.of(slot) for slot in found])


@router.get("/services")
async def services(request: Request, referral_id: Reference, need: v.Need, caller: OwnCaller) -> SuggestedOut:
    """Services ranked for this person and need, each with reasons for and against."""
    ranked = await queries(request).prescribing.ranked_services(caller, referral_id, need)
    return SuggestedOut(services=[RankedOut.of(one) for one in ranked])


@router.post("/book")
async def book(
    request: Request, referral_id: Reference, caller: OwnCaller, body: Moving, key: Key = None
) -> Done:
    """Books a meeting where none is booked."""
    return await features(request).booking.book(RequestContext(caller, key), referral_id, body.slot)


@router.post("/later")
async def later(
    request: Request, referral_id: Reference, caller: OwnCaller, body: Later, key: Key = None
) -> Done:
    """Defers the meeting to that day."""
    return await features(request).booking.defer(RequestContext(caller, key), referral_id, body.on)


@router.post("/plan")
async def plan(
    request: Request, referral_id: Reference, caller: OwnCaller, body: PlanIn, key: Key = None
) -> Done:
    """Records a meeting and its plan."""
    return await features(request).casework.plan(
        RequestContext(caller, key), referral_id, body.record(), body.meeting_id
    )


@router.post("/prescriptions", status_code=201)
async def prescribe(
    request: Request,
    referral_id: Reference,
    caller: OwnCaller,
    body: PrescriptionIn,
    key: Key = None,
) -> Done:
    """Adds a service to the plan."""
    return await features(request).prescribing.prescribe(
        RequestContext(caller, key), referral_id, body.to(Prescribing)
    )


@router.post("/contacts", status_code=201)
async def contact(
    request: Request, referral_id: Reference, caller: OwnCaller, body: ContactIn, key: Key = None
) -> Done:
    """Records a call or message to the person."""
    return await features(request).casework.contact(
        RequestContext(caller, key), referral_id, body.to(Contact)
    )


@router.post("/unmet-needs", status_code=201)
async def unmet(
    request: Request, referral_id: Reference, caller: OwnCaller, body: UnmetIn, key: Key = None
) -> Done:
    """Records a need for which nothing is suitable."""
    return await features(request).casework.unmet(
        RequestContext(caller, key), referral_id, body.to(UnmetNeed)
    )


@router.post("/retractions", status_code=201)
async def retract(
    request: Request, referral_id: Reference, caller: OwnCaller, body: RetractIn, key: Key = None
) -> Done:
    """Undoes one fact."""
    return await features(request).casework.retract(
        RequestContext(caller, key), referral_id, body.to(Retraction)
    )


@router.post("/next-step")
async def next_step(
    request: Request, referral_id: Reference, caller: OwnCaller, body: NextStepIn, key: Key = None
) -> Done:
    """Sets the next step and its day."""
    return await features(request).casework.next_step(
        RequestContext(caller, key), referral_id, body.next_step, body.note
    )


@router.post("/sharing")
async def sharing(
    request: Request, referral_id: Reference, caller: OwnCaller, body: SharingIn, key: Key = None
) -> Done:
    """Records an answer about sharing that the link worker asked for."""
    return await features(request).casework.sharing(
        RequestContext(caller, key), referral_id, body.to(SharingAnswer)
    )


@router.post("/link-worker")
async def hand_over(
    request: Request,
    referral_id: Reference,
    caller: HandsOverCaller,
    body: HandOver,
    key: Key = None,
) -> Done:
    """Hands the case to another link worker of the practice."""
    return await features(request).casework.change_link_worker(
        RequestContext(caller, key), referral_id, body.link_worker, HandingOver(body.note, body.keep_time)
    )


@router.post("/no-longer-wants")
async def no_longer_wants(
    request: Request,
    referral_id: Reference,
    caller: DeskCaller,
    body: NoLongerWants | None = None,
    key: Key = None,
) -> Done:
    """Records that the person no longer wants support."""
    by = body.by if body else v.By.PERSON
    return await features(request).casework.no_longer_wants(RequestContext(caller, key), referral_id, by)


@router.post("/close")
async def close(
    request: Request, referral_id: Reference, caller: OwnCaller, body: Closing, key: Key = None
) -> Done:
    """Closes the case."""
    return await features(request).casework.close(RequestContext(caller, key), referral_id, body.to(Closure))


@router.post("/reopen")
async def reopen(
    request: Request, referral_id: Reference, caller: OwnCaller, body: Reopening, key: Key = None
) -> Done:
    """Undoes every end of the case, and books the chosen meeting."""
    return await features(request).casework.reopen(RequestContext(caller, key), referral_id, body.reopen())


@router.post("/decline")
async def decline(
    request: Request, referral_id: Reference, caller: OwnCaller, body: Declining, key: Key = None
) -> Done:
    """Ends a case before its first meeting."""
    return await features(request).casework.decline(
        RequestContext(caller, key), referral_id, body.to(Decline)
    )


@router.post("/return")
async def give_back(
    request: Request, referral_id: Reference, caller: OwnCaller, body: GivingBack, key: Key = None
) -> Done:
    """Returns the referral to its referrer."""
    return await features(request).casework.return_to_referrer(
        RequestContext(caller, key), referral_id, body.to(Return)
    )


@caseload_router.get("/caseload")
async def caseload(
    request: Request,
    caller: OwnCaller,
    include_ended: bool = False,
    stage: Stage | None = None,
    waiting_days: Annotated[int | None, Query(ge=1, le=3650)] = None,
    sort: Annotated[str, Query(pattern=r"^-?(next|made|stage)$")] = "next",
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> CaseloadOut:
    """The caller's cases, the earliest next step first. `after`: the last case of the page before."""
    cases = await queries(request).casework.caseload(caller, include_ended)
    filters = {
        "stage": stage.value if stage else None,
        "waiting": str(waiting_days) if waiting_days else None,
    }
    column, descending = sort.removeprefix("-"), sort.startswith("-")
    given = {name: value for name, value in filters.items() if value is not None}
    choice = ListChoice(CASELOAD, given, column, descending)
    return CaseloadOut(cases=after_case(chosen_cases(cases, choice, queries(request).now()), after, limit))


@caseload_router.get("/needs-you")
async def needs_you(
    request: Request, caller: OwnCaller, limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> NeedsYouOut:
    """Reasons why cases need the caller, oldest first."""
    return NeedsYouOut(needs_you=await queries(request).casework.needs_you(caller, limit))


@plans_router.post("/case-link-workers")
async def link_workers(request: Request, asked: CasesAsked, caller: ContactReader) -> CaseLinkWorkers:
    """The link worker of each referral, and who covers it. The vault asks before it shows a person."""
    check_here(request, caller, CASE_LINK_WORKERS, asked.locality)
    return await queries(request).casework.link_workers(caller, asked.locality, asked.referrals)


@contract_router.post(SHARING.path)
async def sharing_recorded(request: Request, asked: SharingAsked, caller: SharingReader) -> SharingRecorded:
    """Whether casework recorded the person's yes to sharing with a service of the plan."""
    check_here(request, caller, SHARING, asked.locality)
    asks = queries(request).casework
    agreed = await asks.agreed(caller, asked.locality, asked.referral, asked.prescription)
    return SharingRecorded(agreed=agreed)


@plans_router.post("/plan-summaries")
async def summaries(request: Request, asked: PlansAsked, caller: PlanReader) -> Plans:
    """Goals and services with their state, as the GP's practice may see them."""
    check_here(request, caller, PLAN_SUMMARIES, asked.locality)
    found = await queries(request).casework.plan_summaries(
        caller, asked.locality, asked.referrals, asked.on_behalf_of
    )
    return Plans(plans=found)
