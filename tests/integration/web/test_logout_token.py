"""Logout tokens: taken as OpenID Connect Back-Channel Logout says, and nothing else ends a session."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.platform.ids import new_id
from shared.platform.web.granted import Granted
from shared.platform.web.logout_token import EVENT
from shared.platform.web.principal import principal_of
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.sample import sample_app

CLIENT = "linkwork-linkwork"
DIGEST = "d" * 64


def claims(issuer: LoopbackIssuer, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": issuer.url,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": new_id(),
        "sub": "tester",
        "sid": "s1",
        "events": {EVENT: {}},
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(issuer: LoopbackIssuer, content: dict[str, Any], **header: Any) -> str:
    whole = {"alg": "ES256", "kid": issuer.key.kid, "typ": "logout+jwt"} | header
    return jwt.encode(whole, content, issuer.key, algorithms=["ES256"])


async def kept_session(issuer: LoopbackIssuer) -> MemorySessions:
    """A keeper of one session."""
    keeper, ends = MemorySessions(), datetime.fromtimestamp(time.time() + 3600, UTC)
    rights = issuer.claims()
    await keeper.begin(DIGEST, ends, principal_of(rights), Granted(rights, ends, "tester", "s1"))
    return keeper


async def sent(issuer: LoopbackIssuer, keeper: MemorySessions, *tokens: str) -> list[httpx.Response]:
    app = sample_app(issuer.settings(ServiceSettings), keeper)
    async with browser(app) as client:
        return [await client.post("/back-channel-logout", data={"logout_token": token}) for token in tokens]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sid": None},
        {"sub": None},
        {"aud": [CLIENT, "another"]},
    ],
)
async def test_a_logout_token_ends_the_session(issuer: LoopbackIssuer, changes: dict[str, Any]) -> None:
    keeper = await kept_session(issuer)
    (answer,) = await sent(issuer, keeper, signed(issuer, claims(issuer, **changes)))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not keeper.open


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "linkwork"},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iat": None},
        {"iat": int(time.time()) - 3600, "exp": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"jti": None},
        {"jti": 7},
        {"sub": None, "sid": None},
        {"sid": ["s1"]},
        {"sub": ""},
        {"nonce": "n"},
        {"nonce": None, "events": None},
        {"events": {}},
        {"events": {EVENT: None}},
        {"events": [EVENT]},
        {"events": {"http://schemas.openid.net/event/other": {}}},
    ],
)
async def test_anything_else_ends_nothing(issuer: LoopbackIssuer, changes: dict[str, Any]) -> None:
    keeper = await kept_session(issuer)
    (answer,) = await sent(issuer, keeper, signed(issuer, claims(issuer, **changes)))

    assert answer.status_code == 400
    assert keeper.open == {DIGEST}


async def test_another_kind_or_signature_ends_nothing(issuer: LoopbackIssuer) -> None:
    keeper, whole = await kept_session(issuer), claims(issuer)
    another = jwt.encode(
        {"alg": "ES256", "kid": issuer.key.kid},
        whole,
        ECKey.generate_key("P-256", auto_kid=True),
        algorithms=["ES256"],
    )
    unsigned = signed(issuer, whole).rpartition(".")[0] + "."
    access = issuer.token()
    tokens = (another, unsigned, access, signed(issuer, whole, typ="at+jwt"), "nonsense", "", "é")

    assert [answer.status_code for answer in await sent(issuer, keeper, *tokens)] == [400] * len(tokens)
    assert keeper.open == {DIGEST}


async def test_a_logout_token_counts_once(issuer: LoopbackIssuer) -> None:
    keeper, token = await kept_session(issuer), signed(issuer, claims(issuer))
    first, second = await sent(issuer, keeper, token, token)

    assert (first.status_code, second.status_code) == (200, 400)


async def test_a_keeper_away_lets_the_issuer_try_again(issuer: LoopbackIssuer) -> None:
    keeper, token = await kept_session(issuer), signed(issuer, claims(issuer))
    keeper.away = True
    (answer,) = await sent(issuer, keeper, token)
    assert answer.status_code == 503
    keeper.away = False
    (answer,) = await sent(issuer, keeper, token)
    assert answer.status_code == 200


async def test_without_keys_no_logout_token_is_judged(own_issuer: LoopbackIssuer) -> None:
    keeper, token = await kept_session(own_issuer), signed(own_issuer, claims(own_issuer))
    own_issuer.answer_with(500)
    (answer,) = await sent(own_issuer, keeper, token)

    assert answer.status_code == 503
    assert keeper.open == {DIGEST}
