"""An issuer for tests: real keys, served over real HTTP on loopback, and the answer to who is signed in.

A test asks for the fixture `issuer` and takes settings and tokens from it:

    settings = issuer.settings(MatchingSettings, database="test_matching")
    token = issuer.token(role="referrer", localities=["meir"], practices=["M83100"])
    headers = issuer.bearer(role="analyst", localities=["meir"])
    cookies = issuer.signed_in(app, role="link_worker", localities=["meir"], link_worker="lw-meir-1")
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs

import pytest
from fastapi import FastAPI, Response
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from pymongo import MongoClient

from services.referral.collections import SESSIONS
from services.referral.settings import ReferralSettings
from shared.platform.web.granted import Granted
from shared.platform.web.session import Session, Sessions
from shared.platform.web.session_asking import PATH, SCOPE
from shared.platform.web.settings import ServiceSettings

AUDIENCE = "linkwork"

S = TypeVar("S", bound=ServiceSettings)


class LoopbackIssuer:
    """Signs tokens and serves the public keys. `fetches` counts how often those were read.

    It stands where the referral service stands too, for a service that runs alone: `sessions` are open,
    `questions` counts how often it was asked about one.
    """

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

    @property
    def sessions(self) -> set[str]:
        return self._served.sessions

    @property
    def questions(self) -> int:
        return self._served.questions

    def questions_answer(self, status: int, *, once: bool = False, nonsense: bool = False) -> None:
        """From now on (or `once`) answer questions about sessions so."""
        self._served.question = (status, once, nonsense)

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
        self._served.service_token = lambda resource: self.token(
            role="service", scopes=SCOPE, localities=["*"], aud=resource or AUDIENCE
        )

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
        claims.setdefault("auth_time", claims["iat"])
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A signed access token; arguments as of `claims`."""
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        whole = {"alg": algorithm, "kid": self.key.kid} | (header or {})
        return jwt.encode(whole, self.claims(**claims), self.key, algorithms=[whole["alg"]])

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The Authorization header for an API call."""
        return {"authorization": f"Bearer {self.token(**claims)}"}

    def granted(self, **claims: Any) -> Granted:
        """The rights of somebody who signed in with these claims, without a refresh token."""
        whole = self.claims(**claims)
        return Granted(whole, datetime.fromtimestamp(whole["exp"], UTC), str(whole["sub"]))

    def signed_in(self, app: FastAPI, **claims: Any) -> dict[str, str]:
        """The session cookie of somebody signed in to the pages of `app`.

        The session is open here, and in the database of `app` where that keeps sessions itself.
        """
        sessions: Sessions = app.state.sessions
        response = Response()
        session = sessions.start(response, self.granted(**claims))
        self.sessions.add(session.digest)
        if isinstance(app.state.settings, ReferralSettings):
            keep_session(app.state.settings, session)
        name, _, rest = response.headers["set-cookie"].partition("=")
        return {name: rest.partition(";")[0]}

    def settings(self, settings: type[S], **values: Any) -> S:
        """Settings that believe this issuer; `values` win over the environment."""
        return settings(**self.where() | values)

    def where(self) -> dict[str, Any]:
        return {
            "env": "development",
            "issuer": self.url,
            "jwks_url": self.jwks_url,
            "token_url": f"{self.url}/token",
            "referral_url": self.url,
            "control_topic": "none",  # The tests' tables are files, beside the run of a whole system.
        }


def keep_session(settings: ReferralSettings, session: Session, used: datetime | None = None) -> None:
    """Writes a session as the referral service would."""
    with MongoClient[dict[str, Any]](settings.mongo_url) as mongo:
        document = {"_id": session.digest, "used": used or datetime.now(UTC), "ends": session.ends}
        mongo[settings.database][SESSIONS].insert_one(document)


class _Served:
    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.fetches = 0
        self.status = 200
        self.sessions: set[str] = set()
        self.questions = 0
        self.question = (200, False, False)
        # Signs one for an address that is named as `resource`, or for our own services.
        self.service_token: Callable[[str], str] = str


def _handler(served: _Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.fetches += self.path == "/jwks.json"
            self._answer(served.documents.get(self.path))

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/token":
                resource = parse_qs(sent.decode()).get("resource", [""])[0]
                self._answer({"access_token": served.service_token(resource), "expires_in": 3600})
            elif self.path == PATH:
                served.questions += 1
                status, once, nonsense = served.question
                if once:
                    served.question = (200, False, False)
                found = {"open": "yes" if nonsense else json.loads(sent)["session"] in served.sessions}
                self._answer(found, status)
            else:
                self._answer(None)

        def _answer(self, document: Any, status: int = 200) -> None:
            body = json.dumps(document).encode()
            if status == 200:
                status = served.status if document is not None else 404
            self.send_response(status)
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
