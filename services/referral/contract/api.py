"""Files of the contract for programs, under the paths that the `$id`s of the schemas name."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.referral.contract.catalogue import files
from shared.platform.web.problem import Problem
from shared.platform.web.static_files import KEEP_AN_HOUR

router = APIRouter(include_in_schema=False)


@router.get("/contract/{path:path}")
def file(path: str) -> Response:
    """One file of the contract. Pages of any origin may read it."""
    found = files().get(path)
    if found is None:
        raise Problem(404, detail="The contract has no such file. /contract/index.json names them all.")
    headers = {"cache-control": KEEP_AN_HOUR, "access-control-allow-origin": "*"}
    return Response(found.content, media_type=found.media_type, headers=headers)
