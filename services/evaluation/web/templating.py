"""What this service's pages stand on: templates, words and a stylesheet of their own."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from services.evaluation.settings import EvaluationSettings
from shared.platform.web.pages import Pages

HERE: Final = Path(__file__).parent
STYLESHEET: Final = HERE / "static" / "evaluation.css"


def make_pages(settings: EvaluationSettings) -> Pages:
    """The shared shell with this service's templates and words."""
    pages = Pages(settings, HERE / "templates")
    pages.environment.globals |= {"evaluation_version": _version()}
    return pages


def static_routes() -> APIRouter:
    """The stylesheet."""
    router = APIRouter(include_in_schema=False)

    @router.get("/evaluation/static/evaluation.css")
    async def stylesheet() -> Response:
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return FileResponse(STYLESHEET, media_type="text/css", headers=headers)

    return router


@cache
def _version() -> str:
    return sha256(STYLESHEET.read_bytes()).hexdigest()[:10]
