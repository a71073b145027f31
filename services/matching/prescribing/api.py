"""HTTP: the services of a plan, and the directory."""

import math
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from services.matching.authorization import problem_of
from services.matching.errors import Refused
from services.matching.referral_state.views import Done
from services.matching.web import answers, bodies
from services.matching.web.features import features, queries
from services.matching.web.parameters import (
    BASE,
    READS_CONTACTS,
    REFUSALS,
    AnswerCaller,
    DirectoryCaller,
    DirectoryWriter,
    Key,
    LinkMaker,
    LocalityQuery,
    OwnCaller,
    PlacesCaller,
    Reference,
    asked,
)
from shared.contract.events import vocabulary as v
from shared.platform.web.auth import require
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FEED_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,39}$"

Admin = Annotated[Principal, Depends(require("programme_admin"))]
FeedName = Annotated[str, Path(pattern=FEED_NAME)]
LocalityName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


def prescription_routes() -> APIRouter:
    """Routes on the services of a plan."""
    prefix = f"{BASE}/prescriptions/{{prescription_id}}"
    router = APIRouter(prefix=prefix, tags=["services of a plan"], responses=REFUSALS)

    @router.post("/reply")
    async def reply(
        request: Request,
        prescription_id: Reference,
        caller: AnswerCaller,
        body: bodies.ReplyIn,
        key: Key = None,
    ) -> Done:
        """What the service answered."""
        return await features(request).prescribing.reply(
            asked(caller, key), prescription_id, body.reply, body.weeks, body.reason
        )

    @router.post("/started")
    async def started(
        request: Request,
        prescription_id: Reference,
        caller: AnswerCaller,
        body: bodies.StartedIn,
        key: Key = None,
    ) -> Done:
        """The first visit happened."""
        return await features(request).prescribing.started(
            asked(caller, key), prescription_id, body.on, body.accompanied_by, body.next_step
        )

    @router.post("/not-started")
    async def not_started(
        request: Request,
        prescription_id: Reference,
        caller: AnswerCaller,
        body: bodies.NotStartedIn,
        key: Key = None,
    ) -> Done:
        """The first visit did not happen, and what stopped it."""
        return await features(request).prescribing.not_started(
            asked(caller, key), prescription_id, body.barrier, body.next_step
        )

    @router.post("/ended")
    async def ended(
        request: Request,
        prescription_id: Reference,
        caller: OwnCaller,
        body: bodies.EndedIn,
        key: Key = None,
    ) -> Done:
        """The person goes there no longer."""
        return await features(request).prescribing.ended(
            asked(caller, key), prescription_id, body.reason, body.next_step
        )

    @router.post("/link")
    async def link(
        request: Request, prescription_id: Reference, caller: LinkMaker, locality: LocalityQuery = None
    ) -> answers.LinkOut:
        """A fresh one-tap link, for the service that asks on the programme's behalf."""
        return answers.LinkOut(url=await features(request).links.link(caller, prescription_id, locality))

    @router.post("/link/end", status_code=204)
    async def end_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
        """Ends the one-tap link that the service has."""
        await features(request).links.end_link(asked(caller, None), prescription_id)

    @router.post("/link/send", status_code=204)
    async def send_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
        """Mails the service a new link in place of one that has ended."""
        await features(request).links.send_link(asked(caller, None), prescription_id)

    return router


def directory_routes() -> APIRouter:
    """Routes on the directory."""
    router = APIRouter(prefix=BASE, tags=["directory"], responses=REFUSALS)

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
    ) -> answers.ServicesOut:
        """Search of the directory: the nearest first where a place is given, else by name."""
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
        shown = [answers.ServiceOut.found(one) for one in found[first : first + per_page]]
        return answers.ServicesOut(
            contents=shown,
            total_items=len(found),
            total_pages=math.ceil(len(found) / per_page),
            page_number=page,
            size=len(shown),
        )

    @router.get("/services/{service_id}")
    async def service(
        request: Request, service_id: Reference, caller: DirectoryCaller, locality: LocalityQuery = None
    ) -> answers.ServiceOut:
        """One entry. A service with the scope contacts:read is told where it is asked."""
        asks = queries(request)
        found = await asks.directory.seen_service(caller, service_id)
        if found is None or (locality is not None and not caller.may_locality(locality)):
            raise problem_of(Refused("unknown_service"))
        places = (await asks.directory.availability([found]))[found.id]
        told = caller.role == "service" and READS_CONTACTS in caller.scopes
        mailable = await asks.directory.mailable(found) if told else None
        return answers.ServiceOut.of(found, places, mailable=mailable)

    @router.post("/services/{service_id}/places", status_code=204)
    async def places(
        request: Request, service_id: Reference, caller: PlacesCaller, body: bodies.PlacesIn
    ) -> None:
        """A service has places again, as it told whoever asks; `free` false takes that back."""
        await features(request).directory.places(asked(caller, None), service_id, free=body.free)

    @router.post("/directory/imports", status_code=201)
    async def take(
        request: Request,
        caller: DirectoryWriter,
        feed: Annotated[str, Query(pattern=FEED_NAME)],
    ) -> answers.ImportOut:
        """Takes an Open Referral UK document in place of what the feed said before; reports each defect.

        A feed of several pages is sent as one JSON list of all its page objects; some of them are refused.
        """
        report = await features(request).directory.take_feed(caller, feed, await request.body())
        return answers.ImportOut.of(report)

    @router.get("/directory/feeds")
    async def feeds(request: Request, caller: Admin) -> answers.FeedsOut:
        """Every feed: whose it is, and in which localities it is offered."""
        found = await queries(request).directory.feeds(caller)
        return answers.FeedsOut(feeds=[answers.FeedOut.of(each) for each in found])

    @router.put("/directory/feeds/{feed}/localities/{locality}")
    async def offer(
        request: Request, feed: FeedName, locality: LocalityName, caller: Admin
    ) -> answers.FeedOut:
        """The locality's programme team says yes: the feed's services are offered there too."""
        return answers.FeedOut.of(
            await features(request).directory.offer_feed(caller, feed, [locality], offer=True)
        )

    @router.delete("/directory/feeds/{feed}/localities/{locality}")
    async def withdraw(
        request: Request, feed: FeedName, locality: LocalityName, caller: Admin
    ) -> answers.FeedOut:
        """The feed's services are offered in that locality no longer."""
        return answers.FeedOut.of(
            await features(request).directory.offer_feed(caller, feed, [locality], offer=False)
        )

    return router
