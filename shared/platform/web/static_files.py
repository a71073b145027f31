"""The stylesheet and the script of a service's own pages, with a version that lets browsers keep them."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

KEEP_A_YEAR: Final = "public, max-age=31536000, immutable"
KEEP_AN_HOUR: Final = "public, max-age=3600"


class StaticFiles:
    """The files of one service, read once.

    `folder` holds the files. All its stylesheets are joined in the order of their names and served as
    `<address>/<stylesheet>`; the script, if there is one, is served as `<address>/<script>`.
    """

    def __init__(self, address: str, folder: Path, stylesheet: str, script: str | None = None) -> None:
        css = b"\n".join(path.read_bytes() for path in sorted(folder.glob("*.css")))
        self._address = address
        self._files = {stylesheet: (css, "text/css")}
        if script is not None:
            self._files[script] = ((folder / script).read_bytes(), "text/javascript")
        self.version: Final = version_of(content for content, _ in self._files.values())

    def router(self) -> APIRouter:
        """A GET route for each file. An address with `?v=<version>` may be kept for a year."""
        router = APIRouter(include_in_schema=False)
        for name, (content, media_type) in self._files.items():
            self._add_route(router, name, content, media_type)
        return router

    def _add_route(self, router: APIRouter, name: str, content: bytes, media_type: str) -> None:
        @router.get(f"{self._address}/{name}")
        async def static_file(request: Request) -> Response:
            keep = KEEP_A_YEAR if "v" in request.query_params else KEEP_AN_HOUR
            return Response(content, media_type=media_type, headers={"cache-control": keep})


def version_of(contents: Iterable[bytes]) -> str:
    """A short code that changes whenever one of the files does."""
    digest = sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:10]
