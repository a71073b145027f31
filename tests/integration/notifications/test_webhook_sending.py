"""One attempt over real TLS: the address is judged and pinned, the certificate is the name's."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dns import asyncresolver, message, name, rcode, rdatatype, rrset

from services.notifications.webhooks.policy import Answer
from services.notifications.webhooks.sending import Limits, WebhookSender
from services.notifications.webhooks.targets import read_target
from shared.platform.outbound.addresses import Address
from shared.platform.outbound.certificates import trusted_with
from shared.platform.outbound.resolving import NameNotFound, resolve_name
from tests.harness.notifications.receiver import Authority, Receiver, answer, authority, receiver

NAME = "hooks.partner.test"
SHORT = Limits(connect_seconds=1.0, total_seconds=1.0)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest_asyncio.fixture
async def there(trusted: Authority) -> AsyncIterator[Receiver]:
    async with receiver(trusted, NAME) as running:
        yield running


@dataclass
class Names:
    """A name server that gives one list of addresses after the other, and the last for ever."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(each) for each in given]


async def post(
    trusted: Authority,
    there: Receiver,
    names: Names,
    *,
    private_allowed: bool = True,
    host: str = NAME,
    limits: Limits = SHORT,
) -> Answer:
    sender = WebhookSender(names, trusted_with(trusted.file), private_allowed=private_allowed, limits=limits)
    target = read_target(f"https://{host}:{there.port}/hooks?a=b", private_allowed=True)
    return await sender.post(target, {"webhook-id": "msg_1"}, b'{"a": 1}')


async def test_event_is_posted_to_the_resolved_address(trusted: Authority, there: Receiver) -> None:
    names = Names([["127.0.0.1"]])
    assert await post(trusted, there, names) == Answer(204)
    (request,) = there.received
    assert (request.path, request.body) == ("/hooks?a=b", b'{"a": 1}')
    assert request.headers["host"] == f"{NAME}:{there.port}"
    assert names.asked == [NAME], "once an attempt"


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
)
async def test_name_of_a_private_address_is_refused(
    trusted: Authority, there: Receiver, addresses: list[str]
) -> None:
    found = await post(trusted, there, Names([addresses]), private_allowed=False)
    assert found.code == "address_refused"
    assert there.received == []


async def test_rebinding_between_check_and_use_changes_nothing(trusted: Authority, there: Receiver) -> None:
    """The name server names a public address first and ours ever after: the first one is used."""
    names = Names([["203.0.113.1"], ["127.0.0.1"]])
    found = await post(trusted, there, names)
    assert found.status is None
    assert names.asked == [NAME]
    assert there.received == []


async def test_literal_private_address_is_refused_at_the_attempt(trusted: Authority, there: Receiver) -> None:
    names = Names([["8.8.8.8"]])
    found = await post(trusted, there, names, private_allowed=False, host="127.0.0.1")
    assert (found.code, names.asked, there.received) == ("address_refused", [], [])


async def test_next_address_is_tried_where_none_listens(trusted: Authority, there: Receiver) -> None:
    assert await post(trusted, there, Names([["127.0.0.2", "127.0.0.1"]])) == Answer(204)


async def test_certificate_of_another_name_is_refused(trusted: Authority, there: Receiver) -> None:
    found = await post(trusted, there, Names([["127.0.0.1"]]), host="other.partner.test")
    assert (found.code, there.received) == ("tls_failed", [])


async def test_certificate_of_an_unknown_authority_is_refused(
    trusted: Authority, there: Receiver, tmp_path: Path
) -> None:
    found = await post(authority(tmp_path), there, Names([["127.0.0.1"]]))
    assert (found.code, there.received) == ("tls_failed", [])


async def test_redirect_is_an_answer_and_not_followed(trusted: Authority, there: Receiver) -> None:
    there.answers = lambda _: answer(307, location=f"https://{NAME}:{there.port}/elsewhere")
    assert (await post(trusted, there, Names([["127.0.0.1"]]))).code == "307"
    assert len(there.received) == 1


async def test_retry_after_is_read(trusted: Authority, there: Receiver) -> None:
    there.answers = lambda _: answer(503, Retry_After="17")
    assert await post(trusted, there, Names([["127.0.0.1"]])) == Answer(503, retry_after="17")


async def test_receiver_that_does_not_answer_is_left(trusted: Authority, there: Receiver) -> None:
    there.answers = lambda _: None
    began = time.monotonic()
    assert (await post(trusted, there, Names([["127.0.0.1"]]))).code == "timeout"
    assert time.monotonic() - began < 5


async def test_answer_without_end_counts_by_its_status(trusted: Authority, there: Receiver) -> None:
    there.answers = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000
    assert (await post(trusted, there, Names([["127.0.0.1"]]))).code == "200"


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500_000])
async def test_answer_that_is_no_http_is_a_failure(trusted: Authority, there: Receiver, said: bytes) -> None:
    there.answers = lambda _: said
    assert (await post(trusted, there, Names([["127.0.0.1"]]))).status is None


async def test_port_where_none_listens_is_a_failure(trusted: Authority, there: Receiver) -> None:
    assert (await post(trusted, there, Names([["127.0.0.9"]]))).code == "connect_failed"


async def test_name_that_is_not_found_is_a_failure(trusted: Authority, there: Receiver) -> None:
    async def nowhere(_: str) -> Sequence[Address]:
        raise NameNotFound

    sender = WebhookSender(nowhere, trusted_with(trusted.file), limits=SHORT)
    found = await sender.post(read_target(f"https://{NAME}/"), {}, b"{}")
    assert found.code == "name_not_found"


async def test_name_server_that_hangs_costs_the_time_to_connect(trusted: Authority) -> None:
    async def hangs(_: str) -> Sequence[Address]:
        await asyncio.sleep(60)
        return []

    sender = WebhookSender(hangs, trusted_with(trusted.file), limits=SHORT)
    found = await sender.post(read_target(f"https://{NAME}/"), {}, b"{}")
    assert found.code in ("connect_timeout", "timeout")


async def test_localhost_is_the_loopback_without_a_name_server() -> None:
    for host in ("localhost", "app.localhost"):
        assert [str(each) for each in await resolve_name(host)] == ["127.0.0.1"]


class NameServer(asyncio.DatagramProtocol):
    """A name server that knows one name, by an alias, and gives no answer about `silent.test`."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = message.from_wire(data)
        question = query.question[0]
        reply = message.make_response(query)
        if question.name == name.from_text("silent.test."):
            return
        if question.name != name.from_text("alias.test."):
            reply.set_rcode(rcode.NXDOMAIN)
        else:
            reply.answer.append(rrset.from_text("alias.test.", 60, "IN", "CNAME", "hooks.test."))
            if question.rdtype == rdatatype.A:
                reply.answer.append(rrset.from_text("hooks.test.", 60, "IN", "A", "192.0.2.7", "10.0.0.7"))
        self.transport.sendto(reply.to_wire(), addr)


async def test_name_server_is_asked_without_a_thread() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    servers = asyncresolver.Resolver(configure=False)
    servers.nameservers, servers.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    try:
        found = await resolve_name("alias.test", servers=servers)
        assert {str(each) for each in found} == {"192.0.2.7", "10.0.0.7"}
        for unknown in ("nothing.test", "silent.test", "not..a.name", "a" * 70):
            with pytest.raises(NameNotFound):
                await resolve_name(unknown, seconds=0.5, servers=servers)
    finally:
        transport.close()
