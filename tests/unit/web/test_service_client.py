"""The client for other services: token, answer, and one error if there is none."""

import asyncio
from dataclasses import replace
from typing import cast

import httpx
import pytest

from shared.contract.api.booking import CAPACITY
from shared.contract.api.referral import KEEP_NOTE
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable

ASKED = replace(CAPACITY, path="/x/{name}", scopes=("s",))


class FakeTokens:
    """Gives a new token after each `forget`; none while `refuses`, and none in time while `slow`."""

    def __init__(self, *, refuses: bool = False, slow: bool = False) -> None:
        self.refuses, self.slow, self.number = refuses, slow, 1

    async def headers(self, scope: str, owner: str) -> dict[str, str]:
        """The Authorization header."""
        if self.slow:
            await asyncio.Event().wait()
        if self.refuses:
            raise ServiceTokenUnavailable
        return {"authorization": f"Bearer {scope}-{self.number}"}

    def forget(self, scope: str, owner: str) -> None:
        """Makes the next token another one."""
        self.number += 1


def client(
    answer: httpx.Response | Exception, tokens: FakeTokens, sent: list[httpx.Request]
) -> ServiceClient:
    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    return ServiceClient(http, cast("ServiceTokens", tokens), 0.01 if tokens.slow else None)


async def test_call_carries_token_body_and_key() -> None:
    sent: list[httpx.Request] = []
    called = client(httpx.Response(200, json={"a": 1}), FakeTokens(), sent)
    answer = await called.call(KEEP_NOTE, "http://peer", {"b": 2}, path={"referral_id": "a/b"}, key="k")
    assert content_of(answer) == {"a": 1}
    assert sent[0].method == "POST"
    assert str(sent[0].url) == "http://peer/api/referral/v1/referrals/a%2Fb/notes"
    assert sent[0].headers["authorization"] == "Bearer notes:write-1"
    assert (sent[0].headers["idempotency-key"], sent[0].content) == ("k", b'{"b":2}')


async def test_call_that_is_slow_ends_at_the_operations_limit() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    http = httpx.AsyncClient(transport=Silent())
    called = ServiceClient(http, cast("ServiceTokens", FakeTokens()))
    with pytest.raises(ServiceUnavailable):
        async with asyncio.timeout(5):
            await called.call(replace(CAPACITY, limit_ms=20), "http://peer")


async def test_call_after_a_401_has_a_new_token() -> None:
    sent: list[httpx.Request] = []
    called = client(httpx.Response(401), FakeTokens(), sent)
    for _ in range(2):
        await called.call(ASKED, "http://peer", path={"name": "y"})
    assert [each.headers["authorization"] for each in sent] == ["Bearer s-1", "Bearer s-2"]


@pytest.mark.parametrize("tokens", [FakeTokens(refuses=True), FakeTokens(slow=True)])
async def test_call_without_a_token_is_not_sent(tokens: FakeTokens) -> None:
    sent: list[httpx.Request] = []
    with pytest.raises(ServiceUnavailable):
        await client(httpx.Response(200), tokens, sent).call(ASKED, "http://peer", path={"name": "y"})
    assert sent == []


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ReadTimeout("x")])
async def test_call_without_an_answer_raises(error: Exception) -> None:
    with pytest.raises(ServiceUnavailable):
        await client(error, FakeTokens(), []).call(ASKED, "http://peer", path={"name": "y"})


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(401), httpx.Response(200, text="<")])
def test_content_of_no_answer_raises(answer: httpx.Response) -> None:
    with pytest.raises(ServiceUnavailable):
        content_of(answer)


def test_content_of_another_value_is_empty() -> None:
    assert content_of(httpx.Response(200, json=[1])) == {}
