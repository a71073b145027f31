"""The receiver of `docs/partners.md` takes signed events, and refuses what it cannot verify."""

import asyncio
import os
import shutil
import ssl
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from deploy.local.assets import npm
from deploy.local.ports import free_port
from services.notifications.webhooks.sealing import Sealing
from services.notifications.webhooks.use_cases import Actor, NewEndpoint, WebhookUseCases
from shared.platform.clock import system_clock
from tests.harness.notifications.receiver import Authority, authority
from tests.harness.notifications.service_harness import NotificationsHarness

EXAMPLE = Path(__file__).parents[3] / "examples" / "webhook-js"


@asynccontextmanager
async def example(folder: Path, trusted: Authority, port: int, secret: str) -> AsyncIterator[Process]:
    cert = trusted.ca.issue_cert("localhost")
    cert.private_key_pem.write_to_path(str(folder / "key.pem"))
    cert.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    environment = {
        "PORT": str(port),
        "TLS_CERT": str(folder / "cert.pem"),
        "TLS_KEY": str(folder / "key.pem"),
        "WEBHOOK_SECRETS": secret,
    }
    command = [*npm(folder), "start", "--silent"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=os.environ | environment,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, 15)  # npm runs node as its child.
        await process.wait()


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


async def add(app: FastAPI, place: NotificationsHarness, url: str) -> tuple[str, str]:
    webhooks: WebhookUseCases = app.state.webhooks
    new = NewEndpoint(f"/{place.bench.locality}/history", url)
    endpoint, secret = await webhooks.add(new, Actor("ada", "asked by mail"))
    return endpoint.id, secret


async def test_example_receives_events_and_refuses_others(
    harness: NotificationsHarness, tmp_path: Path
) -> None:
    trusted, port, folder = authority(tmp_path), free_port(), tmp_path / "webhook-js"
    shutil.copytree(EXAMPLE, folder)
    harness.more_settings = {"webhook_private_addresses": True, "webhook_ca_file": trusted.file}
    harness.clock.now = system_clock()
    url, referral = f"https://localhost:{port}/linkwork", harness.referral()
    async with harness.running() as app:
        endpoint, secret = await add(app, harness, url)
        async with example(folder, trusted, port, f"{secret},{Sealing(b'x').new_secret()}") as process:
            assert await line(process) == f"listening   {port}"
            await harness.publish(referral, referral.created())
            source = f"/{harness.bench.locality}/referral"
            assert await line(process) == f"received    referral-created from {source}"
            await harness.publish(referral, referral.attended())
            assert (await line(process)).endswith("matching meeting_attended")
            tls = ssl.create_default_context(cafile=trusted.file)
            async with httpx.AsyncClient(verify=tls) as client:
                forged = {
                    "webhook-id": "msg_1",
                    "webhook-timestamp": str(int(system_clock().timestamp())),
                    "webhook-signature": "v1,Zm9yZ2Vk",
                }
                assert (await client.post(url, content=b"{}", headers=forged)).status_code == 401
                assert (await client.post(url, content=b"{}")).status_code == 401
        webhooks: WebhookUseCases = app.state.webhooks
        found = await webhooks.deliveries(endpoint, Actor("ada", ""))
    assert [each.result for each in found] == ["204", "204"]
