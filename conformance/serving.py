"""The kit's HTTP server: look-ups that the part asks of the others, the issuer, and a gateway for texts."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from conformance.contract import answer_of
from conformance.issuer import Issuer
from conformance.world import SERVICE, World

Answer = tuple[int, Any]
_UUID: Final = r"[0-9a-f-]{36}"
_OPEN: Final = ("/jwks.json", "/.well-known/openid-configuration", "/token", "/texts", "/healthz")


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a part that was killed while it asked."""


class Server:
    """Serves a world on a port of loopback until `stop`."""

    def __init__(self, world: World, host: str = "127.0.0.1", port: int = 0) -> None:
        self._http = _Http((host, port), BaseHTTPRequestHandler)
        self.url = f"http://{host}:{self._http.server_address[1]}"
        self.issuer = Issuer(self.url)
        self._http.RequestHandlerClass = _handler(world, self.issuer)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Request:
    """A request, taken apart."""

    def __init__(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> None:
        split = urlsplit(path)
        self.method = method
        self.path = split.path
        self.query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.every = parse_qs(split.query)
        self.body = body
        self.headers = headers

    @property
    def locality(self) -> str:
        """The locality that is asked about."""
        named = self.body.get("locality") if isinstance(self.body, Mapping) else None
        return str(self.query.get("locality") or named or "")


def _problem(status: int, code: str) -> Answer:
    return status, {"type": f"https://linkwork.example.org/problems/{code}", "status": status, "title": code}


def _claims(world: World, request: Request, _: str) -> Answer:
    wanted, people, missing = request.body["fields"], {}, {}
    for referral in request.body["referrals"]:
        found = world.people.get(referral)
        if found is None:
            missing[referral] = 410 if referral in world.people else 404
        else:
            people[referral] = {name: found[name] for name in wanted if name in found}
    return 200, {"people": people, "missing": missing}


def _claim(world: World, request: Request, referral: str) -> Answer:
    if referral not in world.people:
        return _problem(404, "no_such_referral")
    found = world.people[referral]
    if found is None:
        return _problem(410, "erased")
    return 200, {name: found[name] for name in request.every.get("fields", ()) if name in found}


def _link_workers(world: World, request: Request, _: str) -> Answer:
    roster = world.rosters.get(request.locality)
    return (200, {"link_workers": roster.listed()}) if roster else _problem(403, "locality")


def _link_worker(world: World, request: Request, name: str) -> Answer:
    roster = world.rosters.get(request.locality)
    found = roster.answer(name) if roster else None
    return (200, found) if found else _problem(404, "unknown_link_worker")


def _case_link_workers(world: World, request: Request, _: str) -> Answer:
    return 200, {
        "link_workers": {each: world.cases[each] for each in request.body["referrals"] if each in world.cases}
    }


def _parts(world: World, request: Request, _: str) -> Answer:
    return 200, world.parts_answer(request.locality)


def _stopped(world: World, request: Request, part: str) -> Answer:
    world.ending.add((request.locality, part))
    return 202, {"inbox": "", "part": part, "epoch": world.owner(request.locality, part).epoch}


def _text(world: World, request: Request, _: str) -> Answer:
    world.texts.append(dict(request.body))
    return 202, {"reference": request.body.get("reference")}


def _service(_: World, __: Request, name: str) -> Answer:
    if name != SERVICE:
        return _problem(404, "unknown_service")
    named = {"id": SERVICE, "name": "Example befriending"}
    return 200, {"service": named, "asks_email": "service@conformance.example", "mailbox_confirmed": True}


def _services(*_: Any) -> Answer:
    (example,) = answer_of("directory", "POST", "/api/contract/v1/directory/services/read")["services"]
    return 200, {"services": [{**example, "id": SERVICE}]}


_ROUTES: Final[tuple[tuple[str, str, Callable[[World, Request, str], Answer]], ...]] = (
    ("POST", r"/api/referral/v1/claims()", _claims),
    ("GET", rf"/api/referral/v1/claims/({_UUID})", _claim),
    ("POST", rf"/api/referral/v1/referrals/{_UUID}/notes()", lambda *_: (201, {"note_id": str(uuid4())})),
    ("POST", r"/api/referral/v1/notes/read()", lambda *_: (200, {"notes": {}})),
    ("POST", r"/api/referral/v1/sessions/check()", lambda *_: (200, {"open": False})),
    ("GET", r"/api/contract/v1/casework/link-workers()", _link_workers),
    ("GET", r"/api/matching/v1/link-workers/([a-z0-9-]+)", _link_worker),
    ("POST", r"/api/matching/v1/case-link-workers()", _case_link_workers),
    ("POST", r"/api/matching/v1/plan-summaries()", lambda *_: (200, {"plans": {}})),
    ("GET", rf"/api/matching/v1/services/({_UUID})", _service),
    (
        "POST",
        rf"/api/matching/v1/prescriptions/({_UUID})/link",
        lambda _, __, name: (200, {"url": f"https://link.conformance.example/{name}"}),
    ),
    (
        "GET",
        r"/api/contract/v1/booking/(?:meetings|referrals)/[^/]+/options()",
        lambda *_: (200, {"options": []}),
    ),
    (
        "GET",
        r"/api/contract/v1/booking/meetings/([^/]+)/place",
        lambda _, __, name: (
            200,
            {"meeting_id": name, "practice": "Z00001", "place": "Room 1", "mode": "face_to_face"},
        ),
    ),
    (
        "GET",
        r"/api/contract/v1/booking/capacity()",
        lambda _, r, __: (200, {"locality": r.locality, "weeks": [], "practices": []}),
    ),
    ("POST", r"/api/contract/v1/casework/sharing()", lambda *_: (200, {"agreed": True})),
    ("POST", r"/api/contract/v1/directory/services/(?:find|read)()", _services),
    ("POST", rf"/api/contract/v1/directory/services/{_UUID}/mailbox()", lambda *_: (200, {"asked": False})),
    ("GET", r"/api/contract/v1/parts()", _parts),
    ("POST", r"/api/contract/v1/parts/([a-z]+)/stopped", _stopped),
    ("GET", r"/api/contract/v1/sources()", lambda world, *_: (200, {"table": 1, "sources": world.sources})),
    ("POST", r"/texts()", _text),
    ("GET", r"/healthz()", lambda *_: (200, {})),
)


def answer(world: World, issuer: Issuer, request: Request) -> Answer:
    """The answer to a request."""
    if request.path == "/jwks.json":
        return 200, issuer.jwks()
    if request.path == "/.well-known/openid-configuration":
        return 200, issuer.discovery()
    if request.path == "/token":
        scope = request.body.get("scope", "") if isinstance(request.body, Mapping) else ""
        return 200, issuer.granted(scope)
    world.asked.append({"method": request.method, "path": request.path, "body": request.body})
    if world.away:
        return _problem(503, "away")
    if request.path not in _OPEN and not issuer.believes(request.headers.get("authorization", "")):
        return _problem(401, "invalid_token")
    for method, pattern, route in _ROUTES:
        if method == request.method and (found := re.fullmatch(pattern, request.path)):
            return route(world, request, found[1])
    return _problem(404, "not_found")


def _handler(world: World, issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._handle(None)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            if "json" in self.headers.get("content-type", ""):
                try:
                    self._handle(json.loads(raw))
                except ValueError:
                    self._send(*_problem(422, "invalid"), {})
            else:
                self._handle({name: values[0] for name, values in parse_qs(raw.decode()).items()})

        def _handle(self, body: Any) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, body, headers)
            try:
                status, document = answer(world, issuer, request)
            except (KeyError, TypeError):
                status, document = _problem(422, "invalid")
            more = {}
            if status == 200 and request.path.endswith("/link-workers") and request.method == "GET":
                tag = world.rosters[request.locality].tag()
                more["etag"] = tag
                if headers.get("if-none-match") == tag:
                    status, document = 304, None
            self._send(status, document, more)

        def _send(self, status: int, document: Any, more: Mapping[str, str]) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header(
                "content-type", "application/json" if status < 400 else "application/problem+json"
            )
            self.send_header("content-length", str(len(body)))
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Writes nothing: requests stand in the report."""

    return Handler
