"""Signing in with issuers shaped like Microsoft Entra ID and NHS CIS2."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError

from deploy.local.ports import free_port
from shared.platform.clock import system_clock
from shared.platform.errors import CannotStart
from shared.platform.localities import load_localities
from shared.platform.web.granted import Granted, NoRole, NotGranted
from shared.platform.web.issuer import Issuer
from shared.platform.web.settings import ServiceSettings
from tests.harness.oidc.shaped import ShapedIssuer
from tests.harness.pages.serving import serving
from tests.harness.web.forms import PAGE
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.sample import sample_app

TENANT = "5d5ee2a5-7d0c-4c2f-8d50-0e3c1c7a9f11"
PERSON = "0b7a5c1e-3d52-4f0b-9a57-1f6f3c0a2b44"
APP = "f1f2f3f4-0000-4000-8000-000000000001"
SECRET = "a secret of the application registration"
CLIENT = "999999999999.apps.national"
OURS = "http://localhost:8080"
CLIENT_KEY = RSAKey.generate_key(2048, auto_kid=True)

ENTRA = {
    "oid": PERSON,
    "tid": TENANT,
    "ver": "2.0",
    "preferred_username": "a.brindley@example.nhs.uk",
    "roles": ["Linkwork.Worker.Meir"],
    "extn.roster": "lw-meir-1",
}
CIS2 = {
    "sub": "555036632103",
    "sid": "session-at-cis2",
    "acr": "AAL3_ANY",
    "amr": ["N3_SMARTCARD"],
    "id_assurance_level": "3",
    "authentication_assurance_level": "3",
    "selected_roleid": "555036633105",
}


def held(roleid: str, organisation: str, code: str) -> dict[str, Any]:
    return {
        "person_orgid": "555036634109",
        "person_roleid": roleid,
        "org_code": organisation,
        "role_name": '"Admin and Clerical":"Administration":"Receptionist"',
        "role_code": code,
        "activity_codes": ["B0264"],
    }


def cis2_person() -> dict[str, Any]:
    return {
        "sub": CIS2["sub"],
        "nhsid_useruid": CIS2["sub"],
        "name": "Brindley Asha",
        "nhsid_nrbac_roles": [
            held("555036633105", "M83100", "S8001:G8005:R8006"),
            held("555036639999", "A99999", "S8000:G8000:R8000"),
        ],
    }


@dataclass
class Linkwork:
    """An application whose people sign in at a shaped issuer."""

    settings: ServiceSettings
    keeper: MemorySessions = field(default_factory=MemorySessions)
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.settings, localities=load_localities(), clock=self._clock)
        app = sample_app(self.settings, self.keeper, self.issuer)
        mounts = {OURS: httpx.ASGITransport(app)}
        self.browser = httpx.AsyncClient(base_url=OURS, headers=PAGE, mounts=mounts, trust_env=False)

    def _clock(self) -> datetime:
        return system_clock() + self.ahead

    async def sign_in(self, at: str = "/sign-in") -> httpx.Response:
        """The answer of /signed-in."""
        begun = await self.browser.get(at)
        chosen = await self.browser.get(begun.headers["location"])
        return await self.browser.get(chosen.headers["location"])

    def granted(self) -> Granted:
        """The rights of the latest sign-in."""
        return list(self.keeper.owners.values())[-1]

    async def claims(self) -> dict[str, Any]:
        """The claims of somebody who could sign in."""
        assert (await self.sign_in()).status_code == 303
        return dict(self.granted().claims)


@asynccontextmanager
async def linkwork(shaped: ShapedIssuer, **more: Any) -> AsyncIterator[Linkwork]:
    settings = ServiceSettings(
        env="development",
        control_topic="none",
        sign_in_issuer=shaped.url,
        sign_in_client_id=shaped.client_id,
        sign_in_scope="openid offline_access",
        client_secret=SecretStr(SECRET),
        public_url=OURS,
        **more,
    )
    async with serving(shaped.app(), urlsplit(shaped.url).port or 0):
        here = Linkwork(settings)
        async with here.browser:
            yield here


def entra_shaped(**identity: Any) -> ShapedIssuer:
    url = f"http://localhost:{free_port()}/{TENANT}/v2.0"
    return ShapedIssuer(url, APP, ENTRA | identity, secret=SECRET)


def at_entra(shaped: ShapedIssuer) -> Any:
    roles = (
        "Linkwork.Worker.Meir=link_worker@meir, Linkwork.Worker.Longton=link_worker@longton,"
        "Linkwork.Desk=referrer@meir+M83100, Linkwork.Admin=programme_admin@meir"
    )
    return linkwork(shaped, sign_in_claims="entra", sign_in_roles=roles, sign_in_link_worker="extn.roster")


def cis2_shaped(**identity: Any) -> ShapedIssuer:
    url = f"http://localhost:{free_port()}/openam/oauth2/realms/root/realms/oidc"
    shaped = ShapedIssuer(url, CLIENT, CIS2 | identity, cis2_person(), CLIENT_KEY)
    shaped.signs_with = "RS512"
    return shaped


def at_cis2(shaped: ShapedIssuer, folder: Path, **more: Any) -> Any:
    file = folder / "client-key.json"
    file.write_text(json.dumps(CLIENT_KEY.as_dict(private=True)))
    given = {"sign_in_roles": "R8006=referrer, R8000=programme_admin@meir"} | more
    return linkwork(shaped, sign_in_claims="cis2", sign_in_key_file=file, **given)


async def test_app_roles_of_entra_give_role_and_place() -> None:
    async with at_entra(entra_shaped()) as here:
        claims = await here.claims()

    assert claims["sub"] == PERSON, "the object id, which the directory finds"
    assert (claims["role"], claims["localities"]) == ("link_worker", ["meir"])
    assert claims["link_worker"] == "lw-meir-1"
    assert "a.brindley" not in str(claims)


async def test_one_role_in_two_places_gives_both() -> None:
    async with at_entra(entra_shaped(roles=["Linkwork.Worker.Meir", "Linkwork.Worker.Longton"])) as here:
        assert (await here.claims())["localities"] == ["longton", "meir"]


async def test_a_practice_of_an_app_role_is_given() -> None:
    async with at_entra(entra_shaped(roles=["Linkwork.Desk", "Another.App"])) as here:
        claims = await here.claims()
    assert (claims["practices"], claims.get("link_worker")) == (["M83100"], None)


OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}}


async def test_too_many_groups_change_nothing() -> None:
    async with at_entra(entra_shaped(**OVERAGE)) as here:
        assert (await here.claims())["role"] == "link_worker"


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        ({"roles": None}, 403),
        ({"roles": None, **OVERAGE}, 403),
        ({"roles": []}, 403),
        ({"roles": "Linkwork.Admin"}, 403),
        ({"roles": ["link_worker"]}, 403),
        ({"roles": ["Linkwork.Admin", "Linkwork.Desk"]}, 403),
        ({"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}, 400),
        ({"tid": None}, 400),
        ({"oid": None}, 400),
        ({"aud": "api://linkwork"}, 400),
        ({"iss": "https://login.microsoftonline.com/another/v2.0"}, 400),
        ({"nonce": "of another sign-in"}, 400),
        ({"exp": 1_700_000_000}, 400),
    ],
)
async def test_other_tokens_of_entra_let_nobody_in(identity: dict[str, Any], status: int) -> None:
    async with at_entra(entra_shaped(**identity)) as here:
        assert (await here.sign_in()).status_code == status
        assert not here.keeper.open


@pytest.mark.parametrize("auth_time", [None, 1_700_000_000])
async def test_a_step_up_that_is_not_confirmed_is_refused(auth_time: int | None) -> None:
    async with at_entra(entra_shaped(auth_time=auth_time)) as here:
        assert (await here.sign_in("/sign-in?step_up=true")).status_code == 403
        assert not here.keeper.open
        assert (await here.sign_in()).status_code == 303, "an ordinary sign-in goes on"


async def test_a_key_rollover_is_followed() -> None:
    shaped = entra_shaped()
    async with at_entra(shaped) as here:
        await here.claims()
        former = shaped.roll_over()
        here.ahead += timedelta(seconds=11)  # keys are fetched once in ten seconds
        await here.claims()
        new, shaped.key = shaped.key, former
        assert (await here.sign_in()).status_code == 400, "a key that is no longer listed"
        shaped.key = new
        await here.claims()


async def test_an_app_role_taken_away_is_not_renewed() -> None:
    shaped = entra_shaped()
    async with at_entra(shaped) as here:
        await here.claims()
        assert (await here.issuer.renewed("refresh", "pairwise-subject")).claims["sub"] == PERSON
        shaped.identity = ENTRA | {"roles": ["Another.App"]}
        with pytest.raises(NoRole):
            await here.issuer.renewed("refresh", "pairwise-subject")
        shaped.identity = ENTRA | {"sub": "another"}
        with pytest.raises(NotGranted):
            await here.issuer.renewed("refresh", "pairwise-subject")
        shaped.renews_identity = False
        with pytest.raises(NotGranted):
            await here.issuer.renewed("refresh", "pairwise-subject")
        with pytest.raises(NotGranted):
            await here.issuer.renewed("an older one", "pairwise-subject")


async def test_the_role_chosen_at_cis2_counts(tmp_path: Path) -> None:
    shaped = cis2_shaped()
    async with at_cis2(shaped, tmp_path) as here:
        claims, granted = await here.claims(), here.granted()

    assert (claims["role"], claims["practices"]) == ("referrer", ["M83100"])
    locality = load_localities().of_practice("M83100")
    assert locality is not None
    assert claims["localities"] == [locality.slug]
    assert (claims["sub"], claims["acrs"]) == (CIS2["sub"], ["AAL3_ANY"])
    assert granted.sid == "session-at-cis2"
    assert "Brindley" not in str(granted)
    assert shaped.refused == []


@pytest.mark.parametrize(
    ("identity", "person", "status"),
    [
        ({"selected_roleid": "555000000000"}, {}, 403),
        ({"selected_roleid": None}, {}, 403),
        ({}, {"nhsid_nrbac_roles": []}, 403),
        ({}, {"nhsid_nrbac_roles": None}, 403),
        ({}, {"nhsid_nrbac_roles": ["R8006"]}, 403),
        ({}, {"nhsid_nrbac_roles": [held("555036633105", "M83100", "S8001:G8005:R8017")]}, 403),
        ({}, {"nhsid_nrbac_roles": [held("555036633105", "A99999", "S8001:G8005:R8006")]}, 403),
        ({}, {"sub": "555000000001"}, 400),
        ({"sub": "555000000001"}, {}, 400),
    ],
)
async def test_other_answers_of_cis2_let_nobody_in(
    tmp_path: Path, identity: dict[str, Any], person: dict[str, Any], status: int
) -> None:
    shaped = cis2_shaped(**identity)
    shaped.person |= person
    async with at_cis2(shaped, tmp_path) as here:
        assert (await here.sign_in()).status_code == status
        assert not here.keeper.open


async def test_an_only_role_needs_no_choice(tmp_path: Path) -> None:
    shaped = cis2_shaped(selected_roleid=None)
    shaped.person["nhsid_nrbac_roles"] = [held("1", "A99999", "S8000:G8000:R8000")]
    async with at_cis2(shaped, tmp_path) as here:
        claims = await here.claims()
    assert (claims["role"], claims["localities"], claims["practices"]) == ("programme_admin", ["meir"], [])


async def test_cis2_is_asked_for_the_level_of_the_role(tmp_path: Path) -> None:
    async with at_cis2(cis2_shaped(acr="AAL2_ANY"), tmp_path, acr_by_role="referrer=AAL3_ANY") as here:
        again = await here.sign_in()
    assert parse_qs(urlsplit(again.headers["location"]).query)["acr_values"] == ["AAL3_ANY"]
    assert not here.keeper.open


async def test_a_client_with_another_key_is_refused(tmp_path: Path) -> None:
    shaped = cis2_shaped()
    shaped.client_key = RSAKey.generate_key(2048, auto_kid=True)
    async with at_cis2(shaped, tmp_path) as here:
        assert (await here.sign_in()).status_code == 400
    assert shaped.refused == ["invalid_client"]


@pytest.mark.parametrize("content", ["", "{}", "nonsense", json.dumps(CLIENT_KEY.as_dict(private=False))])
def test_a_file_without_a_private_key_stops_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(content)
    with pytest.raises(CannotStart, match="LINKWORK_SIGN_IN_KEY_FILE"):
        Issuer(ServiceSettings(env="development", sign_in_key_file=file))


@pytest.mark.parametrize(
    "wrong",
    [
        "a",
        "a=",
        "=referrer",
        "a=emperor",
        "a=service",
        "a=partner@meir",
        "a=referrer@Me!r",
        "a=referrer,a=analyst",
    ],
)
def test_wrong_values_of_roles_are_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="LINKWORK_SIGN_IN_ROLES"):
        ServiceSettings(env="development", sign_in_roles=wrong)
