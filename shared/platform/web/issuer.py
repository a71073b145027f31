"""The issuer as people sign in with it: the way there, the exchange of codes, and newer answers."""

import json
import logging
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from authlib.integrations.base_client import OAuthError
from fastapi import Request
from fastapi.responses import Response
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from shared.platform.clock import Clock, system_clock
from shared.platform.errors import CannotStart
from shared.platform.localities import Localities
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.granted import Granted, IssuerUnavailable, NoRole, NotGranted
from shared.platform.web.keys import IssuerKeys, KeySource
from shared.platform.web.logout_token import LogoutTokens
from shared.platform.web.principal import NO_PEOPLE, NotAPrincipal, principal_of
from shared.platform.web.rights import Rights, checked, of_access_token, of_cis2, of_entra
from shared.platform.web.role_values import RoleValues
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.tokens import TokenVerifier

# The answers that say that a person's grant has ended. Others are faults of ours or of the issuer.
_ENDED: Final = frozenset({"invalid_grant", "interaction_required", "login_required", "access_denied"})
_LEEWAY_SECONDS: Final = 30

log = logging.getLogger("linkwork.web")


class Issuer:
    """The issuer, with Authlib as the client. State, PKCE and nonce are Authlib's to check.

    Signatures are checked by our own verifiers, which forget a key that the issuer no longer lists.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        keys: KeySource | None = None,
        localities: Localities | None = None,
        clock: Clock = system_clock,
    ) -> None:
        """`keys` replaces the issuer's keys over HTTP; `localities` says where an organisation is."""
        self._settings = settings
        self._url = settings.sign_in_issuer or settings.issuer
        self._client_id = settings.sign_in_client_id or settings.client_id
        self._client = _client(settings, self._discovery_url, self._client_id)
        self._returning = f"{settings.public_url}/signed-in"
        self._keys = keys or IssuerKeys(
            jwks_url=self._jwks_url, discovery_url=self._discovery_url, clock=clock
        )
        self._clock = clock
        self._identity = self._verifier(self._client_id)
        self._rights = self._stated_rights(localities)
        self.logout_tokens = LogoutTokens(self._identity, clock)

    @property
    def _is_ours(self) -> bool:
        """True if people sign in where the tokens of our APIs are from."""
        return self._url == self._settings.issuer

    @property
    def _discovery_url(self) -> str:
        if self._is_ours:
            return self._settings.discovery_url
        return f"{self._url}/.well-known/openid-configuration"

    @property
    def _jwks_url(self) -> str:
        return self._settings.jwks_url if self._is_ours else ""

    def _verifier(self, audience: str) -> TokenVerifier:
        return TokenVerifier(keys=self._keys, issuer=self._url, audience=audience, clock=self._clock)

    def _stated_rights(self, localities: Localities | None) -> Rights:
        values, link_worker = RoleValues.of(self._settings.sign_in_roles), self._settings.sign_in_link_worker
        match self._settings.sign_in_claims:
            case "linkwork":
                return of_access_token(self._verifier(self._settings.audience))
            case "entra":
                return of_entra(self._url, values, link_worker)
            case "cis2":
                return of_cis2(self._user_info, values, link_worker, partial(_locality_of, localities))

    async def redirect(self, request: Request, **asked: str) -> Response:
        """Sends the browser to the issuer. What has begun is put into `request.session`.

        Raises:
            IssuerUnavailable: its discovery document cannot be read.
        """
        try:
            response: Response = await self._client.authorize_redirect(request, self._returning, **asked)
        except (httpx.HTTPError, OAuthError, ValueError):
            raise IssuerUnavailable from None
        return response

    async def granted(self, request: Request) -> Granted:
        """The rights for the code in this request.

        Raises:
            NoRole: the issuer knows the person, and gives no role.
            NotGranted: the code, the state or the answer is not to be believed.
            IssuerUnavailable: try again.
        """
        await self._discover()
        try:
            answer = await self._client.authorize_access_token(request, leeway=_LEEWAY_SECONDS)
        except httpx.HTTPError:
            raise IssuerUnavailable from None
        except (OAuthError, JoseError, ValueError, KeyError, TypeError) as error:
            raise NotGranted(f"{type(error).__name__} {getattr(error, 'error', '')}") from None
        return await self._read(answer, await checked(self._identity, answer, "id_token"))

    async def renewed(self, refresh_token: str, subject: str) -> Granted:
        """The rights as they are now. A refresh token that rotates comes back with them.

        Raises:
            NotGranted: the grant has ended, or the answer is about another person.
            IssuerUnavailable: the issuer does not say.
        """
        await self._discover()
        try:
            answer = await self._client.fetch_access_token(
                grant_type="refresh_token", refresh_token=refresh_token
            )
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise IssuerUnavailable from None
        except OAuthError as error:
            if error.error in _ENDED:
                raise NotGranted(str(error.error)) from None
            log.error("the issuer renews no sign-in: %s", error.error)
            raise IssuerUnavailable from None
        identity: Mapping[str, Any] = {"sub": subject}
        # An issuer may leave the ID token out when it renews (OpenID Connect Core, 12.2), unless it states
        # rights there.
        if "id_token" in answer or self._settings.sign_in_claims != "linkwork":
            identity = await checked(self._identity, answer, "id_token")
        if identity["sub"] != subject:
            raise NotGranted("another_person")
        return await self._read(answer, identity)

    async def _discover(self) -> None:
        """Reads the discovery document once. Raises IssuerUnavailable, also for another issuer's document."""
        try:
            metadata = await self._client.load_server_metadata()
        except (httpx.HTTPError, ValueError):
            raise IssuerUnavailable from None
        if metadata.get("issuer") != self._url:
            raise IssuerUnavailable
        if self._jwks_url:
            metadata["jwks_uri"] = self._jwks_url  # as this process reaches it

    async def sign_out_address(self) -> str:
        """The address after signing out: the issuer's own sign-out if it has one, so that both forget."""
        try:
            leave = (await self._client.load_server_metadata()).get("end_session_endpoint")
        except (httpx.HTTPError, ValueError):
            leave = None  # our own session is over all the same
        if not leave:
            return "/signed-out"
        back = {
            "client_id": self._client_id,
            "post_logout_redirect_uri": f"{self._settings.public_url}/signed-out",
        }
        return f"{leave}?{urlencode(back)}"

    async def _read(self, answer: Mapping[str, Any], identity: Mapping[str, Any]) -> Granted:
        claims = await self._rights(answer, identity)
        until = datetime.fromtimestamp(claims.pop("exp"), UTC)
        try:
            if principal_of(claims).role in NO_PEOPLE:
                raise NoRole("no_person")
        except NotAPrincipal:
            raise NoRole("no_role") from None
        refresh_token, sid = answer.get("refresh_token"), identity.get("sid")
        return Granted(
            claims=claims,
            until=until,
            subject=str(identity["sub"]),
            sid=sid if isinstance(sid, str) and sid else None,
            refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        )

    async def _user_info(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return dict(await self._client.userinfo(token=answer))
        except (httpx.HTTPError, OAuthError, ValueError, KeyError, TypeError):
            raise IssuerUnavailable from None


def _locality_of(localities: Localities | None, organisation: str) -> str | None:
    found = localities.of_practice(organisation) if localities is not None else None
    return found.slug if found is not None else None


def _client(settings: ServiceSettings, discovery_url: str, client_id: str) -> Any:
    """Authlib's client for the issuer. It reads the discovery document at first use."""
    with warnings.catch_warnings(record=True):  # It asks for httpx2, which nothing else here uses.
        from authlib.integrations.starlette_client import OAuth
        from authlib.oauth2.rfc7523 import PrivateKeyJWT
    asks: dict[str, Any] = {
        "scope": settings.sign_in_scope,
        "code_challenge_method": "S256",
        "timeout": 5.0,
        "verify": trusted_by_clients(),
    }
    secret: Any = settings.client_secret.get_secret_value()
    methods: list[Any] = []
    if settings.sign_in_key_file is not None:
        secret = _private_key(settings.sign_in_key_file)
        asks["token_endpoint_auth_method"] = PrivateKeyJWT.name
        methods = [PrivateKeyJWT(alg="RS512", headers={"kid": secret.kid})]
    return OAuth().register(
        "linkwork",
        client_id=client_id,
        client_secret=secret,
        client_auth_methods=methods,
        server_metadata_url=discovery_url,
        access_token_url=(settings.token_url or None) if discovery_url == settings.discovery_url else None,
        client_kwargs=asks,
    )


def _private_key(file: Path) -> RSAKey:
    """The client's key. Raises CannotStart for a file without one; it quotes nothing of it."""
    try:
        key = RSAKey.import_key(json.loads(file.read_text("utf-8")))
        if key.kid and key.is_private:
            return key
    except (OSError, ValueError, TypeError, KeyError, JoseError):
        pass
    raise CannotStart("LINKWORK_SIGN_IN_KEY_FILE holds no private RSA key as a JWK with `kid`.")
