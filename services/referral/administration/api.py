"""HTTP: the programme's table, changed by its administrators."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.referral.administration.use_cases import Administration
from services.referral.web.parameters import BASE
from shared.contract.events.fields import Moment
from shared.delivery.control.requests import TableRequest
from shared.platform.localities.changes import Change
from shared.platform.web.auth import require
from shared.platform.web.bodies import JsonBody
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

router = APIRouter(prefix=f"{BASE}/administration/table", tags=["administration"])

Admin = Annotated[Principal, Depends(require("programme_admin"))]
RequestId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


class ChangeAsked(JsonBody):
    """A change of the table, and the time from which it is to hold."""

    change: Change
    in_force_from: Moment | None = Field(None, description="Left out: at once.")


class BackAsked(JsonBody):
    """The version whose table is to hold again."""

    version: Annotated[int, Field(ge=1, le=1_000_000_000)]


class Preview(BaseModel):
    """The differences that a change would make, one sentence each."""

    changes: list[str]


class RequestOut(BaseModel):
    """A change that was asked for, and what became of it. `told`: differences, or the reason of a refusal."""

    id: str
    change: dict[str, Any]
    at: datetime
    in_force_from: datetime | None
    state: Literal["waits", "published", "refused"]
    version: int | None
    told: list[str]

    @classmethod
    def of(cls, request: TableRequest) -> "RequestOut":
        """The request as the API returns it."""
        return cls(
            id=request.id,
            change=dict(request.change),
            at=request.at,
            in_force_from=request.in_force_from,
            state=request.state,
            version=request.version,
            told=list(request.told),
        )


class VersionOut(BaseModel):
    """A version of the table."""

    version: int
    made_at: datetime
    in_force_from: datetime
    author: str
    state: str
    changes: list[str]


class History(BaseModel):
    """Versions and requests, the newest first."""

    versions: list[VersionOut]
    requests: list[RequestOut]


@router.get("")
async def history(_: Admin, table: Administration) -> History:
    """The versions of the table with their differences, and the changes that were asked for."""
    return History(
        versions=[
            VersionOut(
                version=each.version.number,
                made_at=each.version.made_at,
                in_force_from=each.version.in_force_from,
                author=each.version.author,
                state=each.state,
                changes=list(each.changes),
            )
            for each in await table.history()
        ],
        requests=[RequestOut.of(each) for each in await table.requests.latest()],
    )


@router.post("/preview")
async def preview(asked: ChangeAsked, caller: Admin, table: Administration) -> Preview:
    """Shows what a change would change. Changes nothing."""
    return Preview(changes=await table.preview(caller, asked.change, asked.in_force_from))


@router.post("/changes", status_code=202)
async def ask(asked: ChangeAsked, caller: Admin, table: Administration) -> RequestOut:
    """Asks for a change. The operator's keeper publishes it as the next version, within seconds."""
    return RequestOut.of(await table.ask(caller, asked.change, asked.in_force_from))


@router.get("/changes/{request}")
async def one(request: RequestId, _: Admin, table: Administration) -> RequestOut:
    """The outcome of a change."""
    found = await table.requests.find(request)
    if found is None:
        raise Problem(404, code="unknown_request", detail="There is no such request.")
    return RequestOut.of(found)


@router.post("/back", status_code=202)
async def back(asked: BackAsked, caller: Admin, table: Administration) -> RequestOut:
    """Asks for the table of an earlier version again. A locality that was set up since stays: 422."""
    return RequestOut.of(await table.back_to(caller, asked.version))
