"""The development process as a process: it refuses production, says what it does, and ends when told."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import httpx
import pytest

from tests.integration.development.conftest import free_port


async def started(state: Path, **environment: str) -> Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LINKWORK_")}
    given = {"LINKWORK_STATE": str(state)} | environment
    command = (sys.executable, "-m", "deploy.development")
    return await asyncio.create_subprocess_exec(*command, env=inherited | given, stdout=PIPE, stderr=PIPE)


@pytest.mark.parametrize("environment", [{"LINKWORK_ENV": "production"}, {}], ids=["production", "silence"])
async def test_production_is_refused_in_one_sentence(tmp_path: Path, environment: dict[str, str]) -> None:
    process = await started(tmp_path, **environment)
    _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode().count("\n") == 1
    assert "it runs only where LINKWORK_ENV=development" in said.decode()
    assert not os.listdir(tmp_path)


async def test_it_answers_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    process = await started(
        tmp_path, LINKWORK_ENV="development", LINKWORK_PORT=str(port), LINKWORK_SMTP_PORT=str(free_port())
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            try:
                ready = await client.get("/readyz")
                break
            except httpx.TransportError:
                assert process.returncode is None, "it ended by itself"
                await asyncio.sleep(0.1)
        keys = await client.get("/dev/issuer/jwks.json")
        text = {"to": "07700 900123", "body": "Tuesday", "reference": "booked:1"}
        await client.post("/dev/sms?to=07700900123", json=text)
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), 15)

    assert ready.json() == {"ready": True}
    assert keys.json()["keys"][0]["kty"] == "EC"
    lines = [json.loads(line) for line in said.decode().splitlines()]
    assert any(line.get("route") == "/dev/sms" for line in lines)
    assert "900123" not in said.decode()
    assert "Tuesday" not in said.decode()
