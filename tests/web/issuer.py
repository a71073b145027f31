"""An issuer for tests: real keys, served over real HTTP on loopback.

A test asks for the fixture `issuer` and takes settings and tokens from it:

    settings = issuer.settings(MatchingSettings, database="test_matching")
    token = issuer.token(role="referrer", localities=["meir"], practices=["M83100"])
    headers = issuer.bearer(role="analyst", localities=["meir"])
    cookies = issuer.signed_in(app, role="link_worker", localities=["meir"], link_worker="lw-meir-1")
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import pytest
from fastapi import FastAPI, Response
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from shared.web.session import Sessions
from shared.web.settings import ServiceSettings

AUDIENCE = "linkwork"

S = TypeVar("S", bound=ServiceSettings)


class LoopbackIssuer:
    """Signs tokens and serves the public keys. `fetches` counts how often those were read."""

    def __init__(self) -> None:
        self._served = _Served()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._served))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.jwks_url = f"{self.url}/jwks.json"
        self.rotate()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def fetches(self) -> int:
        return self._served.fetches

    def answer_with(self, status: int) -> None:
        """From now on answer every request with this status."""
        self._served.status = status

    def rotate(self, key: ECKey | RSAKey | None = None) -> None:
        """A new signing key takes the place of all earlier ones."""
        self.key = key or ECKey.generate_key("P-256", auto_kid=True)
        self.key.ensure_kid()
        self._served.documents = {
            "/jwks.json": dict(KeySet([self.key]).as_dict(private=False)),
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"},
        }

    def claims(
        self,
        *,
        role: str = "referrer",
        localities: Iterable[str] = ("meir",),
        practices: Iterable[str] = (),
        link_worker: str | None = None,
        scopes: str = "",
        subject: str = "tester",
        **overrides: Any,
    ) -> dict[str, Any]:
        """The claims of a good token. An override of None leaves that claim out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "role": role,
            "localities": list(localities),
            "practices": list(practices),
            "link_worker": link_worker,
            "scope": scopes,
        } | overrides
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A signed access token; arguments as of `claims`."""
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        whole = {"alg": algorithm, "kid": self.key.kid} | (header or {})
        return jwt.encode(whole, self.claims(**claims), self.key, algorithms=[whole["alg"]])

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The Authorization header for an API call."""
        return {"authorization": f"Bearer {self.token(**claims)}"}

    def signed_in(self, app: FastAPI, **claims: Any) -> dict[str, str]:
        """The session cookie of somebody signed in to the pages of `app`."""
        sessions: Sessions = app.state.sessions
        response = Response()
        sessions.start(response, self.token(**claims))
        name, _, rest = response.headers["set-cookie"].partition("=")
        return {name: rest.partition(";")[0]}

    def settings(self, settings: type[S], **values: Any) -> S:
        """Settings that believe this issuer; `values` win over the environment."""
        return settings(**{"env": "development", "issuer": self.url, "jwks_url": self.jwks_url} | values)


class _Served:
    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.fetches = 0
        self.status = 200


def _handler(served: _Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.fetches += self.path == "/jwks.json"
            document = served.documents.get(self.path)
            body = json.dumps(document).encode()
            self.send_response(served.status if document is not None else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture(scope="session")
def issuer() -> Iterator[LoopbackIssuer]:
    """One issuer for the run. A test that rotates its keys or stops it uses `own_issuer`."""
    running = LoopbackIssuer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_issuer() -> Iterator[LoopbackIssuer]:
    """An issuer that this test may do anything to."""
    running = LoopbackIssuer()
    running.start()
    yield running
    running.stop()
