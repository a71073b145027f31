"""Fake peers of the service over real sockets: sinks for mail and texts, tokens, peer services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from deploy.development.sink import Mailbox, Sent
from deploy.development.smtp import ToMailbox
from shared.contract.api.casework import LINK_WORKER
from shared.contract.api.directory import ONE_TAP_LINK, SERVICE_MAILBOX
from shared.contract.api.referral import CLAIMS, SESSION
from shared.platform.clock import Clock
from tests.harness.pages.serving import serving

PERSON = {"telephone": "+447700900123", "email": "pat.example@example.org", "safe_to_text": "yes"}
WORKER = LINK_WORKER.answer_example | {
    "name": "Priya Wainwright",
    "email": "link.worker@example.org",
    "telephone": "+441632960200",
}
SERVICE = SERVICE_MAILBOX.answer_example | {
    "asks_email": "asks@debt-help.example",
    "service": {"id": "01938f1c-1a2b-7c3d-8e4f-5a6b7c8d9e0f", "name": "Debt help (example)"},
}
LINK = "http://localhost:8080/s/a-signed-link"

Answer = dict[str, Any] | int


@dataclass
class FakePeers:
    """The peers, answering as the test sets them. An answer of type int is a status.

    Attributes:
        particular: answers for single referrals, services or prescriptions, by their ids.
        answer_texts: the text gateway keeps a text and does not answer until this is set.
        hangs: telephones for which the text gateway does not answer.
        sessions: digests of the open sessions.
        requests: requests as `METHOD path`, including each text message, and `MAIL` for each mail.
    """

    mailbox: Mailbox
    address: str = ""
    smtp_port: int = 0
    person: Answer = field(default_factory=lambda: dict(PERSON))
    worker: Answer = field(default_factory=lambda: dict(WORKER))
    service: Answer = field(default_factory=lambda: dict(SERVICE))
    link: Answer = field(default_factory=lambda: {"url": LINK})
    particular: dict[str, Answer] = field(default_factory=dict)
    texts: int = 202
    answer_texts: asyncio.Event = field(default_factory=asyncio.Event)
    hangs: set[str] = field(default_factory=set)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answer_texts.set()

    def count(self, part: str) -> int:
        """Counts the requests that contain this part."""
        return sum(part in each for each in self.requests)

    def sent(self, channel: str | None = None) -> list[Sent]:
        """The messages in the sinks, the earliest first."""
        kept = reversed(self.mailbox.newest_first())
        return [sent for sent in kept if channel in (None, sent.channel)]

    def receivers(self) -> list[str]:
        """The receivers of all messages, sorted."""
        return sorted(sent.to for sent in self.sent())


@asynccontextmanager
async def fake_peers(state: Path, clock: Clock) -> AsyncIterator[FakePeers]:
    """Runs the peers while the block does."""
    peers = FakePeers(Mailbox(state, clock))
    counting = _Counting(peers)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(counting, loop=loop), host="127.0.0.1", port=0)
    peers.smtp_port = server.sockets[0].getsockname()[1]
    async with serving(_application(peers)) as address:
        peers.address = address
        yield peers
        peers.closing.set()
    server.close()
    await server.wait_closed()


class _Counting(ToMailbox):
    def __init__(self, peers: FakePeers) -> None:
        super().__init__(peers.mailbox)
        self._peers = peers

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("later"):
            return "451 try again"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self._peers.requests.append("MAIL")
        return await super().handle_DATA(server, session, envelope)


def _application(peers: FakePeers) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Response:
        peers.requests.append(f"{request.method} {request.url.path}")
        answered: Response = await call_next(request)
        return answered

    @app.post("/token")
    async def token() -> dict[str, Any]:
        return {"access_token": "a-token", "expires_in": 3600}

    @app.post(CLAIMS.path)
    async def claims(request: Request) -> Response:
        body = await request.json()
        assert request.headers["authorization"] == "Bearer a-token"
        assert body["purpose"] == "message"
        referral = body["referrals"][0]
        person = peers.particular.get(referral, peers.person)
        if isinstance(person, int) and person in (404, 410):
            return JSONResponse({"people": {}, "missing": {referral: person}})
        if isinstance(person, int):
            return Response(status_code=person)
        fields = {name: person.get(name) for name in body["fields"]}
        return JSONResponse({"people": {referral: fields}, "missing": {}})

    @app.post(SESSION.path)
    async def session(request: Request) -> dict[str, bool]:
        return {"open": (await request.json())["session"] in peers.sessions}

    @app.get(LINK_WORKER.path)
    async def one(link_worker: str) -> Response:
        return _answer(peers.worker)

    @app.get(SERVICE_MAILBOX.path)
    async def service(service_id: str) -> Response:
        return _answer(peers.particular.get(service_id, peers.service))

    @app.post(ONE_TAP_LINK.path)
    async def link(prescription_id: str) -> Response:
        return _answer(peers.particular.get(prescription_id, peers.link))

    @app.post("/dev/sms")
    async def text(request: Request) -> Response:
        if peers.texts != 202:
            return Response(status_code=peers.texts)
        body = await request.json()
        if body["to"] in peers.hangs:
            await peers.closing.wait()
        kept = peers.mailbox.put(
            "sms", to=body["to"], subject="", text=body["body"], reference=body["reference"]
        )
        await peers.answer_texts.wait()
        return JSONResponse({"id": kept.id}, 202)

    return app


def _answer(wanted: Answer) -> Response:
    return Response(status_code=wanted) if isinstance(wanted, int) else JSONResponse(wanted)
