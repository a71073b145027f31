"""An issuer whose discovery document, keys and claims have the shape of another's product."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey


@dataclass
class ShapedIssuer:
    """Signs in whoever comes as the person of `identity`.

    Attributes:
        url: the issuer, with a path such as a tenant's.
        identity: claims of ID tokens beside the usual; None leaves one out.
        person: the answer of the user info endpoint.
        client_key: the public key of a client that proves itself with `private_key_jwt`; else by its secret.
        signs_with: an algorithm of RSA.
    """

    url: str
    client_id: str
    identity: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=dict)
    client_key: RSAKey | None = None
    secret: str = ""
    signs_with: str = "RS256"
    renews_identity: bool = True
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    listed: list[RSAKey] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _asked: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listed.append(self.key)

    def roll_over(self) -> RSAKey:
        """Signs with a new key, and lists the former no longer. Gives the former."""
        former, self.key = self.key, RSAKey.generate_key(2048, auto_kid=True)
        self.listed = [self.key]
        return former

    def app(self) -> FastAPI:
        """The issuer's routes."""
        app, base = FastAPI(), "/" + self.url.partition("://")[2].partition("/")[2]

        @app.get(f"{base}/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return self._discovery()

        @app.get(f"{base}/keys")
        async def keys() -> dict[str, Any]:
            # As Entra ID lists them: with `use` and `issuer`, and without `alg`.
            named = {"use": "sig", "issuer": self.url}
            return {"keys": [key.as_dict(private=False) | named for key in self.listed]}

        @app.get(f"{base}/authorize")
        async def authorize(request: Request) -> Response:
            asked, code = dict(request.query_params), secrets.token_urlsafe(16)
            self._asked[code] = asked
            answer = urlencode({"code": code, "state": asked["state"]})
            return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 302)

        @app.post(f"{base}/token")
        async def token(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            fault = self._fault(request.headers.get("authorization", ""), form)
            if fault:
                self.refused.append(fault)
                return JSONResponse({"error": fault}, 400)
            return JSONResponse(self._granted(form))

        @app.get(f"{base}/userinfo")
        async def userinfo(request: Request) -> Response:
            opaque = request.headers.get("authorization") == "Bearer opaque"
            return JSONResponse(self.person if opaque else {}, 200 if opaque else 401)

        return app

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": [self.signs_with],
            "response_types_supported": ["code"],
        }

    def _fault(self, authorization: str, form: Mapping[str, str]) -> str:
        if not (self._proven(form) if self.client_key else self._knows_secret(authorization)):
            return "invalid_client"
        if form["grant_type"] == "refresh_token":
            return "" if form["refresh_token"] == "refresh" else "invalid_grant"
        digest = sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return "" if challenge == self._asked[form["code"]]["code_challenge"] else "invalid_grant"

    def _knows_secret(self, authorization: str) -> bool:
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return given == f"{self.client_id}:{self.secret}"

    def _proven(self, form: Mapping[str, str]) -> bool:
        """As CIS2 asks: RS512, a `kid`, our client as issuer and subject, the token endpoint as audience."""
        assert self.client_key is not None
        try:
            read = jwt.decode(form["client_assertion"], self.client_key, algorithms=["RS512"])
        except (JoseError, ValueError, KeyError):
            return False
        claims = read.claims
        return (
            read.header.get("kid") == self.client_key.kid
            and claims["iss"] == claims["sub"] == self.client_id
            and claims["aud"] == f"{self.url}/token"
            and claims["exp"] > time.time()
            and bool(claims["jti"])
        )

    def _granted(self, form: Mapping[str, str]) -> dict[str, Any]:
        answer = {"token_type": "Bearer", "access_token": "opaque", "refresh_token": "refresh"}
        renews = form["grant_type"] == "refresh_token"
        if renews and not self.renews_identity:
            return answer
        nonce = {} if renews else {"nonce": self._asked[form["code"]]["nonce"]}
        return answer | {"id_token": self.signed(nonce)}

    def signed(self, more: Mapping[str, Any]) -> str:
        """An ID token."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": self.client_id,
            "sub": "pairwise-subject",
            "iat": now,
            "exp": now + 3600,
            "auth_time": now,
        }
        claims = json.loads(json.dumps(usual | dict(more) | self.identity))
        header = {"alg": self.signs_with, "kid": self.key.kid, "typ": "JWT"}
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, given, self.key, algorithms=[self.signs_with])
