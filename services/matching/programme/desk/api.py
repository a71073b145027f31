"""HTTP: the manager's desk, its lists, and supervision."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.matching.programme.desk.schemas import (
    DeskOut,
    ListOut,
    QualityOut,
    SessionOut,
    SessionsOut,
    SupervisionIn,
)
from services.matching.request import RequestContext
from services.matching.web.features import features, queries
from services.matching.web.parameters import BASE, REFUSALS, Key
from shared.contract.events.models import LocalitySlug
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal

Manager = Annotated[Principal, Depends(require("manager"))]
Supervised = Annotated[Principal, Depends(require("manager", "link_worker"))]
ListCode = Annotated[str, Path(pattern=r"^[a-z-]{1,40}$")]
Whose = Annotated[str | None, Query(pattern=r"^[a-z0-9-]{1,60}$")]
SessionId = Annotated[str, Path(pattern=r"^[0-9a-f-]{32,36}$")]

router = APIRouter(prefix=BASE, tags=["desk"], responses=REFUSALS)


@router.get("/desk")
async def desk(request: Request, caller: Manager) -> DeskOut:
    """Figures of each link worker of the caller's localities. No person is named."""
    return DeskOut(link_workers=await queries(request).desk.desk(caller))


@router.get("/desk/quality")
async def quality(request: Request, caller: Manager) -> QualityOut:
    """Counts of what is missing, unrecorded and due, by locality."""
    return QualityOut(localities=await queries(request).desk.quality(caller))


@router.get("/desk/lists/{code}")
async def opened(
    request: Request, code: ListCode, caller: Manager, locality: LocalitySlug, link_worker: Whose = None
) -> ListOut:
    """The cases that a count counts. Audited."""
    return ListOut.of(await queries(request).desk.opened(caller, code, locality, link_worker))


@router.post("/supervisions", status_code=201)
async def record(request: Request, caller: Manager, body: SupervisionIn, key: Key = None) -> SessionOut:
    """Records a session with a link worker."""
    session = await features(request).supervision.record(
        RequestContext(caller, key),
        body.link_worker,
        body.held_on,
        body.next_on,
        {each.referral: each.note for each in body.cases},
    )
    return SessionOut(session=session)


@router.get("/supervisions")
async def sessions(request: Request, caller: Supervised, link_worker: Whose = None) -> SessionsOut:
    """The sessions of a link worker, without what was said: a manager's of their localities, or one's own."""
    whose = link_worker or caller.link_worker or ""
    return SessionsOut(sessions=await queries(request).desk.sessions(caller, whose))


@router.get("/supervisions/{session}")
async def session(request: Request, session: SessionId, caller: Manager) -> SessionOut:
    """A session with what was said about its cases. Audited."""
    found, said = await features(request).supervision.read(caller, session)
    return SessionOut(session=found, said=said)


@router.post("/supervisions/{session}/withdraw", status_code=204)
async def withdraw(request: Request, session: SessionId, caller: Manager) -> Response:
    """Withdraws a session that was recorded by mistake."""
    await features(request).supervision.withdraw(RequestContext(caller), session)
    return Response(status_code=204)
