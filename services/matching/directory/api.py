"""HTTP: search of the directory, its feeds, places that are free again."""

import math
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from services.matching.directory.schemas import (
    FeedOut,
    FeedsOut,
    ImportOut,
    PlacesIn,
    ServiceOut,
    ServicesAsked,
    ServicesNamed,
    ServicesOut,
)
from services.matching.errors import Refused
from services.matching.request import RequestContext
from services.matching.web.features import check_here, features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    Admin,
    DirectoryCaller,
    DirectoryWriter,
    LocalityQuery,
    PlacesCaller,
    Reference,
    ServiceReader,
)
from services.matching.web.refusals import problem_of
from shared.contract.api.casework import READS_CONTACTS
from shared.contract.api.directory import FIND_SERVICES, READ_SERVICES, SERVICE_MAILBOX
from shared.contract.api.services import ServicesListed
from shared.contract.events import vocabulary as v
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.seams import asked_by

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FEED_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,39}$"

FeedName = Annotated[str, Path(pattern=FEED_NAME)]
LocalityName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]

FindCaller = Annotated[Principal, Depends(asked_by(FIND_SERVICES))]
ReadCaller = Annotated[Principal, Depends(asked_by(READ_SERVICES))]

router = APIRouter(prefix=BASE, tags=["directory"], responses=REFUSALS)
contract_router = APIRouter(tags=["between parts"], responses=REFUSALS)


@contract_router.post(FIND_SERVICES.path)
async def find_for_parts(request: Request, asked: ServicesAsked, caller: FindCaller) -> ServicesListed:
    """The services of a locality for a need, the nearest first, for another casework."""
    check_here(request, caller, FIND_SERVICES, asked.locality)
    own = queries(request).catalogues.own
    found = await own.find_for_parts(asked.locality, asked.need, asked.near, asked.limit)
    return ServicesListed(services=found)


@contract_router.post(READ_SERVICES.path)
async def read_for_parts(request: Request, asked: ServicesNamed, caller: ReadCaller) -> ServicesListed:
    """Services by id, for plans of another casework."""
    check_here(request, caller, READ_SERVICES, asked.locality)
    own = queries(request).catalogues.own
    return ServicesListed(services=await own.read_for_parts(asked.locality, asked.services))


@router.get("/services")
async def search(
    request: Request,
    caller: DirectoryCaller,
    need: v.Need | None = None,
    postcode: Annotated[str | None, Query(max_length=10)] = None,
    lat: Annotated[float | None, Query(ge=49, le=61)] = None,
    lon: Annotated[float | None, Query(ge=-9, le=2)] = None,
    day: Annotated[str | None, Query(pattern="^(mon|tue|wed|thu|fri|sat|sun)$")] = None,
    age: Annotated[int | None, Query(ge=0, le=130)] = None,
    free: bool = False,
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ServicesOut:
    """Searches the directory: the nearest first if a place is given, else by name."""
    if (lat is None) != (lon is None):
        raise Problem(422, code="invalid", detail="Give both lat and lon, or neither.")
    at = (lat, lon) if lat is not None and lon is not None else None
    found = await queries(request).directory.find_services(
        caller,
        need=need,
        postcode=postcode,
        weekday=DAYS.index(day) if day else None,
        age=age,
        free_only=free,
        limit=500,
        at=at,
    )
    first = (page - 1) * per_page
    shown = [ServiceOut.found(one) for one in found[first : first + per_page]]
    return ServicesOut(
        contents=shown,
        total_items=len(found),
        total_pages=math.ceil(len(found) / per_page),
        page_number=page,
        size=len(shown),
    )


@router.get("/services/{service_id}")
async def service(
    request: Request, service_id: Reference, caller: ServiceReader, locality: LocalityQuery = None
) -> ServiceOut:
    """One entry. Callers with the scope contacts:read also get the address for requests."""
    asks, is_part = queries(request), caller.role in ("service", "partner")
    if is_part and locality is not None:
        check_here(request, caller, SERVICE_MAILBOX, locality)
    found = await asks.directory.seen_service(caller, service_id)
    if found is None or (locality is not None and not caller.may_locality(locality)):
        raise problem_of(Refused("unknown_service"))
    places = (await asks.directory.availability([found]))[found.id]
    told = is_part and READS_CONTACTS in caller.scopes
    mailable = await asks.directory.mailable(found) if told else None
    return ServiceOut.of(found, places, mailable=mailable)


@router.post("/services/{service_id}/places", status_code=204)
async def places(request: Request, service_id: Reference, caller: PlacesCaller, body: PlacesIn) -> None:
    """Records that a service has places again. `free` false takes that back."""
    await features(request).directory.places(RequestContext(caller), service_id, free=body.free)


@router.post("/directory/imports", status_code=201)
async def take(
    request: Request,
    caller: DirectoryWriter,
    feed: Annotated[str, Query(pattern=FEED_NAME)],
) -> ImportOut:
    """Replaces the feed's services by an Open Referral UK document, and reports each defect.

    A feed of several pages is sent as one JSON list of all its page objects; a part of them is refused.
    """
    report = await features(request).directory.take_feed(caller, feed, await request.body())
    return ImportOut.of(report)


@router.get("/directory/feeds")
async def feeds(request: Request, caller: Admin) -> FeedsOut:
    """Every feed, with its owners and the localities in which it is offered."""
    found = await queries(request).directory.feeds(caller)
    return FeedsOut(feeds=[FeedOut.of(each) for each in found])


@router.put("/directory/feeds/{feed}/localities/{locality}")
async def offer(request: Request, feed: FeedName, locality: LocalityName, caller: Admin) -> FeedOut:
    """Offers the feed's services in the locality too, as its programme team decided."""
    return FeedOut.of(await features(request).directory.offer_feed(caller, feed, [locality], offer=True))


@router.delete("/directory/feeds/{feed}/localities/{locality}")
async def withdraw(request: Request, feed: FeedName, locality: LocalityName, caller: Admin) -> FeedOut:
    """Ends the offer of the feed's services in that locality."""
    return FeedOut.of(await features(request).directory.offer_feed(caller, feed, [locality], offer=False))
