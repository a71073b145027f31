"""The vault of referral's owner, asked at the owner's address with a token that holds there."""

from typing import Any, cast

import httpx
import pytest

from services.matching.clients.vault import NotInVault, Vault, VaultAway
from shared.platform.web.owners import Owners
from shared.platform.web.service_token import ServiceTokens
from tests.harness.matching.service_harness import programme
from tests.harness.parts.owned import owned_by

OURS, THEIRS = "http://ours", "https://hub.example"


class Tokens:
    """Gives a token that names the owner for whom it was asked."""

    async def headers(self, scope: str, owner: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer for-{owner}"}

    def forget(self, scope: str, owner: str = "") -> None:
        raise AssertionError


class Asked:
    """A vault client whose requests are noted, in a programme whose referrals in Meir are the hub's."""

    def __init__(self, address: str | None = THEIRS, status: int = 200) -> None:
        self.requests: list[tuple[str, str]] = []
        self._status = status
        table = owned_by(programme("meir"), "meir", "referral", "hub-js", address)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        owners = Owners(table, {"referral": OURS})
        self.vault = Vault(owners, http, cast("ServiceTokens", Tokens()))

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((str(request.url), request.headers["authorization"]))
        answer: dict[str, Any] = {"people": {"r": {"given_name": "Pat"}}, "note_id": "n", "notes": {"n": "x"}}
        return httpx.Response(self._status, json=answer)


async def test_vault_is_asked_at_the_owner_of_each_locality() -> None:
    asked = Asked()
    found = [
        await asked.vault.people(locality, ["r"], ["given_name"], "meeting", None)
        for locality in ("meir", "elsewhere")
    ]
    assert found == [{"r": {"given_name": "Pat"}}] * 2
    path = "/api/referral/v1/claims"
    assert asked.requests == [(f"{each}{path}", f"Bearer for-{each}") for each in (THEIRS, OURS)]


async def test_notes_are_kept_and_read_at_the_owner() -> None:
    asked = Asked()
    assert await asked.vault.keep_note("meir", "r", "note", "x", "key") == "n"
    assert await asked.vault.notes("meir", "r", ["n"], None) == {"n": "x"}
    assert [url.startswith(THEIRS) for url, _ in asked.requests] == [True, True]


async def test_vault_of_an_owner_without_address_is_away() -> None:
    asked = Asked(address=None)
    with pytest.raises(VaultAway):
        await asked.vault.people("meir", ["r"], ["given_name"], "meeting", None)
    assert asked.requests == []


@pytest.mark.parametrize(("status", "raised"), [(409, VaultAway), (404, NotInVault), (410, NotInVault)])
async def test_refusal_of_the_owner_is_never_a_person(status: int, raised: type[Exception]) -> None:
    """409 `not_owner` passes: this process has not read the table in which the owner has changed."""
    with pytest.raises(raised):
        await Asked(status=status).vault.people("meir", ["r"], ["given_name"], "meeting", None)
