"""The answer to a command about a part that is not ours in a locality, for every service."""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from shared.contract.events.topics import SOURCE_PARTS
from shared.platform.errors import NotOwner
from shared.platform.localities import Localities
from shared.platform.web.owners import Owners, not_owner
from shared.platform.web.problem import Problem, answer_with, temporarily_unavailable

NOBODY_DECIDES: Final = "This part is being handed over, or reads what it missed. Try again in a minute."
_RETRY_SECONDS: Final = 30


def refusal_of(localities: Localities | None, error: NotOwner) -> Problem:
    """409 `not_owner` with `part`, `owner` and `address`, by the table in force.

    Between two owners, or while a restored database reads the log, nobody decides: 503 for half a minute.
    """
    part = next((each for each in SOURCE_PARTS if each == error.part), None)
    elsewhere = None
    if localities is not None and part is not None:
        elsewhere = Owners(localities, {}).elsewhere(part, error.locality)
    if part is None or elsewhere is None:
        return temporarily_unavailable(NOBODY_DECIDES, retry_seconds=_RETRY_SECONDS)
    return not_owner(part, elsewhere)


async def answer_not_owner(localities: Localities | None, request: Request, error: Exception) -> Response:
    """Handles `NotOwner` by `refusal_of`."""
    if not isinstance(error, NotOwner):
        raise error
    return answer_with(request, refusal_of(localities, error))
