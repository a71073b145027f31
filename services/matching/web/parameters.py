"""Parameters, roles and refusals that the API's routes share."""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Query

from shared.contract.api.casework import LINK_WORKER
from shared.contract.api.directory import ONE_TAP_LINK, READS_DIRECTORY, SERVICE_MAILBOX
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal, Role
from shared.platform.web.problem import MEDIA_TYPE
from shared.platform.web.seams import asked_by

BASE: Final = "/api/matching/v1"
# Takes a whole directory in one body, so it may be larger than any other request.
DIRECTORY_IMPORTS: Final = f"{BASE}/directory/imports"

Reference = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="The same key with the same request is done once and answered again.",
    ),
]
LinkWorkerName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$")]
LocalityQuery = Annotated[str | None, Query(pattern=r"^[a-z-]{2,41}$")]

OwnCaller = Annotated[Principal, Depends(require("link_worker"))]
DeskCaller = Annotated[Principal, Depends(require("link_worker", "referrer"))]
AnswerCaller = Annotated[Principal, Depends(require("link_worker", "provider"))]
HandsOverCaller = Annotated[Principal, Depends(require("link_worker", "manager", "programme_admin"))]
AwayCaller = Annotated[Principal, Depends(require("link_worker", "programme_admin"))]
Admin = Annotated[Principal, Depends(require("programme_admin"))]
DiaryCaller = Annotated[Principal, Depends(require("link_worker", "programme_admin"))]
# Scopes that a token of role `service` must hold. Tokens of people need none of them.
WRITES_DIRECTORY: Final = "directory:write"

_READERS: Final[tuple[Role, ...]] = ("link_worker", "referrer", "provider", "analyst", "programme_admin")
DirectoryCaller = Annotated[Principal, Depends(require(*_READERS, "service", scope=READS_DIRECTORY))]
# The address for requests needs READS_CONTACTS besides.
ServiceReader = Annotated[
    Principal,
    Depends(require(*_READERS, "service", "partner", scope=READS_DIRECTORY, parts=SERVICE_MAILBOX.callers)),
]
DirectoryWriter = Annotated[Principal, Depends(require("programme_admin", "service", scope=WRITES_DIRECTORY))]
LinkWorkerReader = Annotated[Principal, Depends(asked_by(LINK_WORKER, "link_worker", "programme_admin"))]
PlacesCaller = Annotated[Principal, Depends(require("link_worker", "programme_admin"))]
LinkMaker = Annotated[Principal, Depends(asked_by(ONE_TAP_LINK))]

_PROBLEM: Final[dict[str, Any]] = {
    "content": {
        MEDIA_TYPE: {
            "example": {
                "type": "urn:linkwork:problem:slot_taken",
                "title": "This conflicts with what is there",
                "status": 409,
                "detail": "Somebody else has that time by now. Choose another.",
            }
        }
    }
}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "No token, or one that does not hold", **_PROBLEM},
    403: {"description": "The role does not include this", **_PROBLEM},
    404: {"description": "There is none, or it is somebody else's", **_PROBLEM},
    409: {"description": "It makes no sense as things stand", **_PROBLEM},
    503: {"description": "Not just now", **_PROBLEM},
}
