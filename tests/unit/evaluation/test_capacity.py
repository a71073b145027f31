"""Free times, as booking's owner tells them, or not known."""

from datetime import timedelta
from typing import cast

import httpx

from services.evaluation.clients.booking import Capacity, CapacityLookup
from services.evaluation.pages.capacity import capacity_shown
from shared.contract.api.booking import CAPACITY, DiaryCapacity
from shared.contract.events.topics import SOURCE_PARTS
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.service_client import ServiceClient
from shared.platform.web.service_token import ServiceTokens
from tests.harness.matching.service_harness import PRACTICE, FakeClock, programme
from tests.harness.parts.owned import owned_by
from tests.unit.web.test_service_client import FakeTokens

OWNER = Owner("booking-js", "https://owner.example", "https://owner.example")
TOLD = DiaryCapacity.model_validate(CAPACITY.answer_example)


class Asking:
    """A look-up whose answers a test sets, and the addresses that it asked."""

    def __init__(self) -> None:
        self.answer, self.asked = httpx.Response(200, json=CAPACITY.answer_example), list[str]()
        self.clock, self.table = FakeClock(), programme("meir")
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        client = ServiceClient(http, cast("ServiceTokens", FakeTokens()))
        owners = Owners(self.table, dict.fromkeys(SOURCE_PARTS, "http://ours"))
        self.lookup = CapacityLookup(owners, client, self.clock)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answer


async def test_capacity_is_asked_of_the_owner_and_kept() -> None:
    asking = Asking()
    assert await asking.lookup.of("meir") == Capacity(TOLD, None)
    await asking.lookup.of("meir")
    asking.table.become(owned_by(asking.table, "meir", "booking", OWNER.name, OWNER.address))
    assert await asking.lookup.of("meir") == Capacity(TOLD, OWNER)
    path = "/api/contract/v1/booking/capacity?locality=meir&weeks=4"
    assert asking.asked == [f"http://ours{path}", f"https://owner.example{path}"]


async def test_capacity_without_an_answer_is_not_known() -> None:
    asking = Asking()
    for answer in (httpx.Response(409), httpx.Response(200, json={"weeks": 1})):
        asking.answer = answer
        assert await asking.lookup.of("meir") == Capacity(None, None)
        asking.clock.now += timedelta(minutes=1)
    asking.answer = httpx.Response(200, json=CAPACITY.answer_example)
    assert (await asking.lookup.of("meir")).told == TOLD


def test_capacity_is_shown_by_week_and_practice() -> None:
    places = programme("meir")
    told = TOLD.model_copy(
        update={"practices": [TOLD.practices[0].model_copy(update={"practice": PRACTICE})]}
    )
    shown = capacity_shown(Capacity(told, OWNER), "Meir", places)
    weeks, practices = shown.tables
    assert shown.owner == "booking-js"
    assert weeks.rows == [["From 30 November 2026", "40", "7"], ["From 7 December 2026", "40", "31"]]
    assert practices.rows == [[f"Primary Care Centre, {PRACTICE}", "1 December 2026"]]
    assert capacity_shown(Capacity(None, None), "Meir", places).tables == ()
