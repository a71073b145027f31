"""The endpoint that exchanges codes and client secrets for tokens."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from deploy.development.grants import Codes
from deploy.development.settings import DevelopmentSettings
from deploy.development.signing import IssuerKey
from deploy.development.tokens import SERVICE_TOKEN_LASTS, USER_TOKEN_LASTS
from deploy.development.users import KnownUsers


class TokenEndpoint:
    """The two grants that Linkwork uses: a person's code, and a service's own credentials."""

    def __init__(
        self, settings: DevelopmentSettings, directory: KnownUsers, key: IssuerKey, codes: Codes
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._key = key
        self._codes = codes

    def client(self, authorization: str, form: dict[str, str]) -> str | None:
        """The id of the client that proved itself, by header or form."""
        name, secret = basic_credentials(authorization) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if name not in self._directory.clients and name not in self._directory.partners:
            return None
        expected = self._settings.secret_of(name).encode()
        # OAuth asks that a secret be form-encoded in the header; many clients send it as it is.
        right = [hmac.compare_digest(form.encode(), expected) for form in (secret, unquote_plus(secret))]
        return name if any(right) else None

    def answer(self, authorization: str, form: dict[str, str]) -> Response:
        """The token response, or an OAuth error."""
        client = self.client(authorization, form)
        if client is None:
            return JSONResponse({"error": "invalid_client"}, 401, {"www-authenticate": "Basic"})
        match form.get("grant_type"):
            case "authorization_code" if client in self._directory.clients:
                return self._for_person(client, form)
            case "client_credentials":
                return self._for_service(client, form.get("scope", ""), form.get("resource", ""))
        return JSONResponse({"error": "unsupported_grant_type"}, 400)

    def _for_person(self, client: str, form: dict[str, str]) -> Response:
        grant = self._codes.redeem(
            form.get("code", ""),
            client_id=client,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
        if grant is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        user = self._directory.users[grant.user_id]
        identity: dict[str, object] = {"sub": user.id}
        if grant.nonce:
            identity["nonce"] = grant.nonce
        if grant.acr:
            identity["acr"] = grant.acr
        return JSONResponse(
            {
                "access_token": self._key.sign(user.claims(), USER_TOKEN_LASTS),
                "id_token": self._key.sign(identity, USER_TOKEN_LASTS, audience=client),
                "token_type": "Bearer",
                "expires_in": int(USER_TOKEN_LASTS.total_seconds()),
            }
        )

    def _for_service(self, client: str, scope: str, resource: str) -> Response:
        """A service's token. With `resource` (RFC 8707) it holds at that address alone."""
        wanted = frozenset(scope.split())
        partner = self._directory.partners.get(client)
        if resource and (partner or urlsplit(resource).scheme not in ("http", "https")):
            return JSONResponse({"error": "invalid_target"}, 400)
        if not wanted <= (partner.scopes if partner else self._directory.clients[client]):
            return JSONResponse({"error": "invalid_scope"}, 400)
        granted = " ".join(sorted(wanted))
        claims = (
            partner.claims() | {"scope": granted}
            if partner
            else {"sub": client, "role": "service", "localities": ["*"], "scope": granted}
        )
        return JSONResponse(
            {
                "access_token": self._key.sign(claims, SERVICE_TOKEN_LASTS, audience=resource or None),
                "token_type": "Bearer",
                "expires_in": int(SERVICE_TOKEN_LASTS.total_seconds()),
                "scope": granted,
            }
        )


def token_routes(endpoint: TokenEndpoint) -> APIRouter:
    """POST /token."""
    router = APIRouter(include_in_schema=False)

    @router.post("/token")
    async def token(request: Request) -> Response:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        return endpoint.answer(request.headers.get("authorization", ""), form)

    return router


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Client id and secret of an Authorization: Basic header, the secret as it stands there."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(name), secret
