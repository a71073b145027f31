"""Access tokens: the accepted and the refused."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from shared.platform.web.keys import IssuerKeys
from shared.platform.web.tokens import InvalidToken, TokenVerifier
from tests.harness.web.issuer import AUDIENCE, LoopbackIssuer


def verifier_of(issuer: LoopbackIssuer) -> TokenVerifier:
    keys = IssuerKeys(jwks_url=issuer.jwks_url, discovery_url="")
    return TokenVerifier(keys=keys, issuer=issuer.url, audience=AUDIENCE)


@pytest.fixture
def verifier(issuer: LoopbackIssuer) -> TokenVerifier:
    return verifier_of(issuer)


async def test_a_good_token_says_who_calls(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    token = issuer.token(role="referrer", localities=["meir"], practices=["M83100"], subject="r-1")

    caller = await verifier.caller(token)

    assert (caller.subject, caller.role) == ("r-1", "referrer")
    assert caller.may_locality("meir")
    assert not caller.may_locality("longton")
    assert caller.may_practice("M83100")
    assert not caller.may_practice("M83047")


async def test_rsa_keys_serve_as_well(own_issuer: LoopbackIssuer) -> None:
    own_issuer.rotate(RSAKey.generate_key(2048, auto_kid=True))

    assert (await verifier_of(own_issuer).caller(own_issuer.token())).role == "referrer"


LONG_AGO, FAR_OFF = 946_684_800, 4_102_444_800


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"exp": LONG_AGO},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": FAR_OFF},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"role": "doctor"},
        {"role": None},
        {"role": ["referrer"]},
        {"localities": "meir"},
        {"practices": [1]},
        {"link_worker": ["lw-meir-1"]},
        {"scope": ["claims:read"]},
    ],
    ids=repr,
)
async def test_wrong_claims_are_refused(
    issuer: LoopbackIssuer, verifier: TokenVerifier, claims: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        await verifier.caller(_signed(issuer, issuer.claims() | claims))


def _signed(issuer: LoopbackIssuer, values: dict[str, Any]) -> str:
    claims = {name: value for name, value in values.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims, issuer.key)


async def test_small_differences_between_clocks_are_forgiven(
    issuer: LoopbackIssuer, verifier: TokenVerifier
) -> None:
    now = int(time.time())
    token = _signed(issuer, issuer.claims() | {"exp": now - 10, "nbf": now + 10})

    assert (await verifier.caller(token)).subject == "tester"


async def test_an_unsigned_token_is_refused(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    for algorithm in ("none", "None", "", "HS256", None):
        header = part({"alg": algorithm, "kid": issuer.key.kid})
        with pytest.raises(InvalidToken):
            await verifier.caller(f"{header}.{part(issuer.claims())}.")


async def test_the_public_key_is_no_shared_secret(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    """The classic confusion: HS256, keyed with the public key that everybody can read."""
    public = json.dumps(issuer.key.as_dict(private=False)).encode()
    header = {"alg": "HS256", "kid": issuer.key.kid}
    token = jwt.encode(header, issuer.claims(), OctKey.import_key(public), algorithms=["HS256"])

    with pytest.raises(InvalidToken):
        await verifier.caller(token)


async def test_another_key_under_our_id_is_refused(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    theirs = ECKey.generate_key("P-256")
    token = jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, issuer.claims(), theirs)

    with pytest.raises(InvalidToken):
        await verifier.caller(token)


async def test_a_key_inside_the_token_is_not_looked_at(
    issuer: LoopbackIssuer, verifier: TokenVerifier
) -> None:
    theirs = ECKey.generate_key("P-256", auto_kid=True)
    header = {"alg": "ES256", "kid": theirs.kid, "jwk": theirs.as_dict(private=False)}
    token = jwt.encode(header, issuer.claims(), theirs)

    with pytest.raises(InvalidToken):
        await verifier.caller(token)


async def test_an_altered_token_is_refused(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    header, payload, signature = issuer.token(role="referrer").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["role"] = "programme_admin"
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    with pytest.raises(InvalidToken):
        await verifier.caller(f"{header}.{altered}.{signature}")


async def test_the_star_is_for_services_alone(issuer: LoopbackIssuer, verifier: TokenVerifier) -> None:
    service = await verifier.caller(issuer.token(role="service", localities=["*"], scopes="claims:read"))
    person = await verifier.caller(issuer.token(role="programme_admin", localities=["*"]))

    assert service.may_locality("meir")
    assert service.scopes == {"claims:read"}
    assert not person.may_locality("meir")


@given(st.one_of(st.text(max_size=200), st.lists(st.text(max_size=40), min_size=3, max_size=3).map(".".join)))
async def test_nonsense_is_refused_quietly(text: str) -> None:
    nowhere = IssuerKeys(jwks_url="http://127.0.0.1:9/", discovery_url="")

    with pytest.raises(InvalidToken):
        await TokenVerifier(keys=nowhere, issuer="x", audience="y").caller(text)
