"""Owners of parts by the table in force, and the operations that they offer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.contract.api import Operation
from shared.contract.api.booking import ANOTHER_TIME, OPTIONS
from shared.contract.events.topics import SOURCE_PARTS
from shared.platform.localities import Localities, Source
from shared.platform.web.offered import OfferedOperations
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceUnavailable
from tests.harness.matching.service_harness import FakeClock, programme
from tests.harness.parts.owned import claimed_for, owned_by

OURS = dict.fromkeys(SOURCE_PARTS[:4], "http://ours")
DOCUMENT = "https://owner.example/api/contract/v1/booking/openapi.json"


def owners(address: str | None = "https://owner.example/") -> Owners:
    table: Localities = owned_by(programme("meir"), "meir", "booking", "booking-js", address)
    return Owners(table, OURS)


def test_owner_elsewhere_has_a_name_and_an_address() -> None:
    found = owners()
    pages = "https://owner.example/"
    assert found.elsewhere("booking", "meir") == Owner("booking-js", "https://owner.example", pages)
    assert found.address("booking", "meir") == "https://owner.example"
    assert found.address("casework", "meir") == found.address("booking", "elsewhere") == "http://ours"
    assert found.elsewhere("booking", "nowhere") is None
    assert found.ours("meir") == set(SOURCE_PARTS) - {"booking"}


def test_hand_over_under_way_names_the_next_owner() -> None:
    claimed = Owners(claimed_for(programme("meir"), "meir", "booking", "booking-js"), OURS)
    assert claimed.handed_to("booking", "meir") == "booking-js"
    assert claimed.handed_to("casework", "meir") is claimed.handed_to("booking", "nowhere") is None
    assert claimed.elsewhere("booking", "meir") is None


def test_owner_without_an_address_is_unavailable() -> None:
    assert owners(None).elsewhere("booking", "meir") == Owner("booking-js", None)
    with pytest.raises(ServiceUnavailable):
        owners(None).address("booking", "meir")


@pytest.mark.parametrize(
    ("address", "named"),
    [(None, {}), ("https://o.example", {"address": "https://o.example", "pages": "https://o.example"})],
)
def test_refusal_names_part_owner_and_address(address: str | None, named: dict[str, Any]) -> None:
    found = owners(address)
    found.require_ours("casework", "meir")
    with pytest.raises(Problem) as refused:
        found.require_ours("booking", "meir")
    assert (refused.value.status_code, refused.value.code) == (409, "not_owner")
    assert refused.value.extensions == {"part": "booking", "owner": "booking-js", **named}


@pytest.mark.parametrize(
    ("source", "ours", "elsewhere"),
    [
        ("referral", True, True),
        ("hub-js", False, True),
        ("history", False, False),
        ("unheard-of", None, None),
    ],
)
def test_people_are_kept_by_referrals_owner(source: str, ours: bool | None, elsewhere: bool | None) -> None:
    table = owned_by(programme("meir"), "meir", "referral", "hub-js", None)
    meir = table.by_slug["meir"]
    far = "https://vault.example"
    others = {
        name: Source(name, part, 10, far)
        for name, part in (("/meir/hub-js", "referral"), ("/meir/history", "partner"))
    }
    sources = {**meir.sources, **others}

    def keeps(owner: str) -> bool | None:
        place = replace(meir, sources=sources, owners={"referral": owner})
        found = Owners(Localities("P", table.hub, (place,), ()), OURS)
        assert found.keeps_people(f"/meir/{source}", "nowhere") is None
        return found.keeps_people(f"/meir/{source}", "meir")

    assert (keeps("linkwork"), keeps("hub-js")) == (ours, elsewhere)


class Documents:
    """Answers requests for a document, and counts them."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self.asked = answer, 0
        self.clock = FakeClock()
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        self.offered = OfferedOperations(http, owners(), self.clock)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == DOCUMENT
        self.asked += 1
        return self.answer

    async def offers(self, operation: Operation = OPTIONS) -> bool:
        return await self.offered.offers(operation, "meir")


def document(*operations: Operation) -> httpx.Response:
    return httpx.Response(200, json={"paths": {each.path: {each.method.lower(): {}} for each in operations}})


async def test_owner_offers_what_its_document_lists() -> None:
    read = Documents(document(OPTIONS))
    assert [await read.offers(), await read.offers(ANOTHER_TIME)] == [True, False]
    assert not await read.offers(replace(OPTIONS, method="POST"))
    assert read.asked == 1
    assert await read.offered.offers(ANOTHER_TIME, "elsewhere")  # ours


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(200, text="no"), httpx.Response(200, json=[1])]
)
async def test_owner_without_a_document_offers_everything(answer: httpx.Response) -> None:
    assert await Documents(answer).offers()


async def test_document_read_last_holds_while_none_is_given() -> None:
    read = Documents(document(OPTIONS))
    await read.offers()
    read.answer = httpx.Response(503)
    read.clock.now += timedelta(minutes=6)
    assert [await read.offers(), await read.offers(ANOTHER_TIME)] == [True, False]
    assert read.asked == 2
    read.answer = document(ANOTHER_TIME)
    read.clock.now += timedelta(seconds=31)
    assert [await read.offers(), await read.offers(ANOTHER_TIME)] == [False, True]
