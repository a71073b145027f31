"""Settings of sign-in: how long a session lasts, and how surely and how recently people signed in."""

from pathlib import Path
from typing import Literal

from pydantic import field_validator
from pydantic_settings import BaseSettings

from shared.platform.web.assurance import Assurance
from shared.platform.web.role_values import RoleValues
from shared.platform.web.setting_fields import address, setting


class SignInSettings(BaseSettings):
    """The variables about people who sign in. All services share them."""

    sign_in_issuer: str = address(
        "",
        description=(
            "The issuer at which people sign in to pages; empty: LINKWORK_ISSUER, whose tokens open the APIs."
        ),
        example="https://login.microsoftonline.com/5d5ee2a5-0000-4000-8000-000000000000/v2.0",
        reach="outside",
    )
    sign_in_claims: Literal["linkwork", "entra", "cis2"] = setting(
        "linkwork",
        description=(
            "How that issuer states rights. `linkwork`: our claims in the access token. `entra`: app roles "
            "of Microsoft Entra ID. `cis2`: national roles of NHS CIS2."
        ),
        example="cis2",
    )
    sign_in_roles: str = setting(
        "",
        description=(
            "What app roles (`entra`) or role codes (`cis2`) give: a role, and localities or practices. "
            "Without places, those of the organisation where a CIS2 role is held."
        ),
        example="R8006=referrer, Linkwork.Worker.Meir=link_worker@meir",
    )
    sign_in_link_worker: str = setting(
        "link_worker",
        description="The claim that names a link worker as the roster does (`entra`, `cis2`).",
        example="nhsid_useruid",
        pattern=r"^[A-Za-z0-9_.:/-]{1,100}$",
    )
    sign_in_client_id: str = setting(
        "", description="Client id there; empty: LINKWORK_CLIENT_ID.", example="999999999999.apps.national"
    )
    sign_in_key_file: Path | None = setting(
        None,
        description=(
            "A file with the private RSA key, as a JWK with `kid`, that proves the client there "
            "(`private_key_jwt`, RS512) in place of LINKWORK_CLIENT_SECRET."
        ),
        example="/run/secrets/cis2-key.json",
    )
    sign_in_scope: str = setting(
        "openid",
        description=(
            "The scopes that a sign-in asks the issuer for. Most issuers give a refresh token for "
            "`offline_access` alone; without one, a session ends with its access token."
        ),
        example="openid offline_access",
        pattern=r"^openid( [\x21\x23-\x5B\x5D-\x7E]+)*$",
    )
    acr_by_role: str = setting(
        "",
        description=(
            "How surely people of a role must have signed in: values of the issuer's `acr` (or `acrs`), of"
            " which one suffices. Empty: any sign-in does."
        ),
        example="programme_admin=AAL3_ANY, link_worker=AAL2_ANY AAL3_ANY",
    )
    step_up_minutes: float = setting(
        10.0,
        description=(
            "Erasing a person, and opening a colleague's case, ask for a sign-in of the last so many minutes."
        ),
        example="10",
        ge=1,
        le=24 * 60,
    )
    step_up_acr: str = setting(
        "",
        description="Values of the issuer's `acr`, of which that sign-in has one. Empty: as the role asks.",
        example="AAL3_ANY",
    )
    person_token_seconds: int | None = setting(
        None,
        description=(
            "How long after its issue an access token of a person is believed by the APIs, so that a role "
            "that was taken away ends. 0: until it ends. Empty: 60 in production, else 0."
        ),
        example="60",
        ge=0,
        le=3600,
    )
    session_hours: float = setting(
        9.0, description="A sign-in ends after this many hours, whatever happens.", example="9", gt=0, le=24
    )
    session_idle_minutes: float = setting(
        30.0,
        description="A sign-in that is not used for so many minutes, in any service, ends.",
        example="30",
        ge=1,
        le=24 * 60,
    )

    @field_validator("sign_in_roles")
    @classmethod
    def _roles_are_values(cls, given: str) -> str:
        RoleValues.of(given)
        return given

    @field_validator("acr_by_role")
    @classmethod
    def _acr_is_by_role(cls, given: str) -> str:
        Assurance.of(given)
        return given
