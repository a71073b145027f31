"""A small service, for tests of what all services share."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from shared.platform.web.app import create_service_app
from shared.platform.web.auth import ApiCaller, PageCaller, Principal, require, require_page, require_scope
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.issuer import Issuer
from shared.platform.web.session_keeping import SessionKeeper
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.step_up import require_recent, require_recent_page


class Phone(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["phone"]
    number: str = Field(pattern=r"^[0-9 ]+$", max_length=20)


class Email(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["email"]
    address: str = Field(min_length=3)


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=20)
    needs: list[Literal["debt", "housing"]] = Field(default=[], max_length=3)
    age: int = Field(default=40, ge=18, le=120)
    contact: Annotated[Phone | Email, Field(discriminator="kind")] | None = None
    extras: dict[str, int] = {}


def sample_app(
    settings: ServiceSettings, keeper: SessionKeeper | None = None, issuer: Issuer | None = None
) -> FastAPI:
    """Routes of every flavour, the simplest that show the difference. With a `keeper` one can sign in."""
    router = APIRouter()

    @router.post("/api/linkwork/v1/samples")
    async def create(sample: Sample) -> dict[str, str]:
        return {"kept": str(len(sample.name))}

    @router.get("/api/linkwork/v1/samples")
    async def listed(limit: int = 10) -> dict[str, int]:
        return {"limit": limit}

    @router.get("/api/linkwork/v1/me")
    async def me(caller: ApiCaller) -> dict[str, Any]:
        return {"subject": caller.subject, "role": caller.role}

    @router.get("/api/linkwork/v1/figures")
    async def figures(
        _: Annotated[Principal, Depends(require("analyst", "programme_admin"))],
    ) -> dict[str, str]:
        return {}

    @router.get("/api/linkwork/v1/claims")
    async def claims(_: Annotated[Principal, Depends(require_scope("claims:read"))]) -> dict[str, str]:
        return {}

    @router.post("/api/linkwork/v1/erase", status_code=204)
    async def erase(_: Annotated[Principal, Depends(require_recent("programme_admin"))]) -> None:
        return None

    @router.get("/sample/erase")
    async def erase_page(_: Annotated[Principal, Depends(require_recent_page("analyst"))]) -> Response:
        return Response("sure?")

    @router.post("/sample/erase")
    async def erased(
        _: Annotated[Principal, Depends(require_recent_page("analyst"))], form: CheckedForm
    ) -> Response:
        return Response("erased")

    @router.post("/sample/only-by-post")
    async def erased_by_post(
        _: Annotated[Principal, Depends(require_recent_page("analyst"))],
    ) -> Response:
        return Response("erased")

    @router.get("/api/linkwork/v1/broken")
    async def broken() -> None:
        raise RuntimeError("9990000018 Ada Example")

    @router.get("/sample/home")
    async def home(request: Request, caller: PageCaller) -> Response:
        page: Response = request.app.state.pages.page(request, "linkwork/front.html")
        return page

    @router.get("/sample/figures")
    async def figures_page(_: Annotated[Principal, Depends(require_page("analyst"))]) -> Response:
        return Response("figures")

    @router.get("/sample/broken")
    async def broken_page() -> None:
        raise RuntimeError("9990000018 Ada Example")

    @router.post("/sample/form")
    async def form(form: CheckedForm) -> dict[str, str]:
        return {"said": str(form.get("said", ""))}

    @router.post("/sample/upload")
    async def upload(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.post("/sample/import")
    async def import_(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.post("/sample/swallow")
    async def swallow(request: Request) -> dict[str, str]:
        try:
            await request.body()
        except Exception:
            return {"all": "fine"}
        return {"all": "read"}

    return create_service_app(
        settings,
        title="Sample",
        routers=[router],
        larger_bodies={"/sample/import": 3_000_000},
        keeper=keeper,
        issuer=issuer,
    )
