"""The issuer's keys change and the issuer goes away; tokens are judged all the same, or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.platform.web.keys import (
    FRESH_FOR,
    KEPT_FOR,
    REFETCH_PAUSE,
    IssuerKeys,
    KeysUnavailable,
    signing_keys,
)
from tests.harness.web.issuer import LoopbackIssuer


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def keys(own_issuer: LoopbackIssuer, hands: Hands) -> IssuerKeys:
    return IssuerKeys(jwks_url=own_issuer.jwks_url, discovery_url="", clock=hands)


async def test_keys_are_fetched_once(own_issuer: LoopbackIssuer, keys: IssuerKeys) -> None:
    for _ in range(5):
        assert await keys.key(own_issuer.key.kid or "") is not None

    assert own_issuer.fetches == 1


async def test_many_at_once_wait_for_the_same_keys(
    own_issuer: LoopbackIssuer, keys: IssuerKeys, hands: Hands
) -> None:
    known = own_issuer.key.kid or ""
    for fetches in (1, 2):
        found = await asyncio.gather(*(keys.key(known) for _ in range(8)))
        assert None not in found
        assert own_issuer.fetches == fetches
        hands.forward(KEPT_FOR * 2)  # a quiet night


async def test_a_new_key_is_found_when_it_is_first_used(
    own_issuer: LoopbackIssuer, keys: IssuerKeys, hands: Hands
) -> None:
    old = own_issuer.key.kid or ""
    assert await keys.key(old) is not None

    own_issuer.rotate()
    hands.forward(REFETCH_PAUSE)

    assert await keys.key(own_issuer.key.kid or "") is not None
    assert await keys.key(old) is None, "a key withdrawn by the issuer is no longer believed"


async def test_made_up_ids_do_not_flood_the_issuer(
    own_issuer: LoopbackIssuer, keys: IssuerKeys, hands: Hands
) -> None:
    for number in range(50):
        assert await keys.key(f"made-up-{number}") is None
    assert own_issuer.fetches == 1

    hands.forward(REFETCH_PAUSE)
    assert await keys.key("made-up") is None
    assert own_issuer.fetches == 2


async def test_withdrawn_keys_are_forgotten_without_a_new_one(
    own_issuer: LoopbackIssuer, keys: IssuerKeys, hands: Hands
) -> None:
    old = own_issuer.key.kid or ""
    await keys.key(old)
    own_issuer.rotate()

    hands.forward(FRESH_FOR + timedelta(seconds=1))

    assert await keys.key(old) is None


async def test_known_keys_serve_while_the_issuer_is_away_for_a_while(
    own_issuer: LoopbackIssuer, keys: IssuerKeys, hands: Hands
) -> None:
    known = own_issuer.key.kid or ""
    await keys.key(known)
    own_issuer.answer_with(503)

    hands.forward(FRESH_FOR * 2)
    assert await keys.key(known) is not None

    hands.forward(KEPT_FOR)
    with pytest.raises(KeysUnavailable):
        await keys.key(known)

    own_issuer.answer_with(200)
    hands.forward(REFETCH_PAUSE)
    assert await keys.key(known) is not None


async def test_without_keys_nothing_is_believed(hands: Hands) -> None:
    nowhere = IssuerKeys(jwks_url="http://127.0.0.1:9/jwks.json", discovery_url="", clock=hands)

    with pytest.raises(KeysUnavailable):
        await nowhere.key("any")


async def test_the_address_of_the_keys_is_discovered(own_issuer: LoopbackIssuer, hands: Hands) -> None:
    discovery = f"{own_issuer.url}/.well-known/openid-configuration"
    keys = IssuerKeys(jwks_url="", discovery_url=discovery, clock=hands)

    assert await keys.key(own_issuer.key.kid or "") is not None


def test_only_named_signing_keys_count(own_issuer: LoopbackIssuer) -> None:
    public = own_issuer.key.as_dict(private=False)
    listed = {
        "keys": [
            public | {"kid": "signs", "use": "sig"},
            public | {"kid": "encrypts", "use": "enc"},
            {name: value for name, value in public.items() if name != "kid"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        ]
    }

    assert set(signing_keys(listed)) == {"signs"}


P256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        "key",
        7,
        {},
        {"kid": "k"},
        {"kid": "k", "kty": None},
        {"kid": "k", "kty": "EC"},
        {"kid": "k", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kid": "k", "kty": "oct", "k": "c2VjcmV0"},
        P256 | {"kid": "k", "crv": "brainpoolP256r1"},
        P256 | {"kid": "k", "crv": None},
        P256 | {"kid": "k", "x": "AAAA"},
        P256 | {"kid": "k", "x": 7},
        P256 | {"kid": "k", "y": "!!!"},
        P256 | {"kid": "k", "y": P256["x"]},
        P256 | {"kid": "k", "use": "enc"},
        P256 | {"kid": ["k"]},
        P256,
        {"kid": "k", "kty": "RSA", "n": "AQAB"},
        {"kid": "k", "kty": "RSA", "n": "", "e": ""},
        {"kid": "k", "kty": "RSA", "n": None, "e": "AQAB"},
    ],
)
def test_an_unusable_key_leaves_the_others(entry: object) -> None:
    good = P256 | {"kid": "good"}

    assert set(signing_keys({"keys": [entry, good]})) == {"good"}
    assert set(signing_keys({"keys": [good, entry]})) == {"good"}
