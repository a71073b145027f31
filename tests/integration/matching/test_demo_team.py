"""The demonstration's day of a team: a return, a cover and a supervision session, through the API."""

from typing import Any, cast

import httpx
import pytest

from deploy.demo.doors import Doors
from deploy.demo.sign_in import SignIn
from deploy.demo.team import COLLEAGUE, LINK_WORKER, MANAGER, play_team
from services.matching.clients.vault import Vault
from services.matching.collections import COVERS, DAYS, SUPERVISIONS
from shared.platform.clock import london_day
from shared.platform.ids import new_id
from tests.harness.matching.service_harness import MatchingHarness


class SignedIn(SignIn):
    """Tokens of the harness, for the demonstration's people."""

    def __init__(self, here: MatchingHarness) -> None:
        self._here = here

    async def token(self, user: str) -> str:
        roles = {MANAGER: "manager", LINK_WORKER: "link_worker", COLLEAGUE: "link_worker"}
        worker = user if roles[user] == "link_worker" else None
        bearer = self._here.bearer(roles[user], subject=user, link_worker=worker)
        return bearer["authorization"].removeprefix("Bearer ")


async def test_demonstration_plays_the_day_of_a_team(
    here: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(*_: Any) -> str:
        return new_id()

    monkeypatch.setattr(Vault, "keep_note", keep)
    returned, covered = [await here.refer() for _ in range(2)]
    await here.put_worker(COLLEAGUE, hours=[])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(here.app)) as http:
        doors = Doors(http, cast("SignIn", SignedIn(here)))
        said = await play_team(doors, "http://matching", london_day(here.clock.now))
    assert said.startswith("a referral returned, a case covered, a supervision session")
    assert (await here.view(returned)).is_returned
    mongo, which = here.kernel.mongo, {"locality": here.slug}
    assert [row["referral"] async for row in mongo[COVERS].find(which)] == [covered]
    assert [row["link_worker"] async for row in mongo[SUPERVISIONS].find(which)] == [LINK_WORKER]
    kept = [row["link_worker"] async for row in mongo[DAYS].find({**which, "blocked.k": "team"})]
    assert kept.count(LINK_WORKER) == kept.count(COLLEAGUE) == 9
