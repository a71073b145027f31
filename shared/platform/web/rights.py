"""The rights of a person, as issuers of different shapes state them.

`linkwork`: the access token is a JWT for our APIs, with our claims. `entra`: Microsoft Entra ID v2.0 states
app roles in the ID token. `cis2`: NHS CIS2 states national roles at its user info endpoint, and in the ID
token the one that the person chose. The access tokens of the last two are opaque to us.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from shared.platform.web.granted import IssuerUnavailable, NoRole, NotGranted
from shared.platform.web.keys import KeysUnavailable
from shared.platform.web.principal import acr_of, auth_time_of
from shared.platform.web.role_values import RoleValues
from shared.platform.web.tokens import InvalidToken, TokenVerifier

Claims = Mapping[str, Any]
# Reads our claims, with `exp`, from the token endpoint's answer and the claims of its ID token.
Rights = Callable[[Claims, Claims], Awaitable[dict[str, Any]]]
UserInfo = Callable[[Claims], Awaitable[Claims]]
LocalityOf = Callable[[str], str | None]

# The claims of which a session is made. Nothing else of a token is kept.
RIGHTS: Final = ("sub", "role", "localities", "practices", "link_worker", "scope")


async def checked(verifier: TokenVerifier, answer: Claims, name: str) -> Claims:
    """The claims of a token of the answer. Raises NotGranted, or IssuerUnavailable without keys."""
    try:
        return await verifier.claims(str(answer[name]))
    except (InvalidToken, KeyError):
        raise NotGranted(name) from None
    except KeysUnavailable:
        raise IssuerUnavailable from None


def of_access_token(verifier: TokenVerifier) -> Rights:
    """Our own claims, of an access token that opens our APIs, too."""

    async def read(answer: Claims, identity: Claims) -> dict[str, Any]:
        access = await checked(verifier, answer, "access_token")
        claims = {name: access[name] for name in RIGHTS if access.get(name) is not None}
        acrs = sorted(acr_of(access) | acr_of(identity))
        auth_time = auth_time_of(identity) or auth_time_of(access)
        return claims | {"exp": access["exp"], "acrs": acrs, "auth_time": auth_time}

    return read


def of_entra(issuer: str, values: RoleValues, link_worker: str) -> Rights:
    """App roles of the ID token. Groups are not read: beyond 200 of them Entra ID names none."""

    async def read(_: Claims, identity: Claims) -> dict[str, Any]:
        roles, person = identity.get("roles"), identity.get("oid")
        # `sub` differs by application, and the audit's reader looks a subject up in the directory.
        if not isinstance(person, str) or f"/{identity.get('tid')}/" not in issuer:
            raise NotGranted("tenant")
        if not isinstance(roles, list):
            raise NoRole("no_role")
        claims = values.claims(role for role in roles if isinstance(role, str))
        return _stated(identity, claims | {"sub": person}, identity.get(link_worker))

    return read


def of_cis2(user_info: UserInfo, values: RoleValues, link_worker: str, locality_of: LocalityOf) -> Rights:
    """The national role that the person chose, at the organisation where they hold it."""

    async def read(answer: Claims, identity: Claims) -> dict[str, Any]:
        known = await user_info(answer)
        if known.get("sub") != identity["sub"]:
            raise NotGranted("another_person")
        held = _chosen(known.get("nhsid_nrbac_roles"), identity.get("selected_roleid"))
        code, organisation = held.get("role_code"), held.get("org_code")
        if not isinstance(code, str) or not isinstance(organisation, str):
            raise NoRole("no_role")
        # Job category, group and role: S8001:G8005:R8015.
        claims = values.claims([code.rpartition(":")[2]])
        locality = locality_of(organisation)
        claims["localities"] = claims["localities"] or ([locality] if locality else [])
        if not claims["localities"]:
            raise NoRole("organisation")
        if locality in claims["localities"]:
            claims["practices"] = claims["practices"] or [organisation]
        return _stated(identity, claims | {"sub": identity["sub"]}, known.get(link_worker))

    return read


def _chosen(roles: Any, chosen: Any) -> Claims:
    """The role profile that the person chose, or their only one."""
    held = [role for role in roles if isinstance(role, dict)] if isinstance(roles, list) else []
    if chosen is not None:
        held = [role for role in held if role.get("person_roleid") == chosen]
    if len(held) != 1:
        raise NoRole("several_roles" if held else "no_role")
    return held[0]


def _stated(identity: Claims, claims: dict[str, Any], link_worker: Any) -> dict[str, Any]:
    named = {"link_worker": link_worker} if claims["role"] == "link_worker" and link_worker else {}
    return {
        **claims,
        **named,
        "exp": identity["exp"],
        "acrs": sorted(acr_of(identity)),
        "auth_time": auth_time_of(identity),
    }
