"""A place to send from: what stands around the service, and a clock that the test moves."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.notifications.settings import NotificationsSettings
from tests.harness.notifications.facts import NOW
from tests.harness.notifications.fake_peers import FakePeers, fake_peers


@dataclass
class FakeClock:
    """A clock whose hands the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def around(tmp_path: Path, clock: FakeClock) -> AsyncIterator[FakePeers]:
    async with fake_peers(tmp_path, clock) as standing:
        yield standing


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


def settings_for(around: FakePeers, **more: Any) -> NotificationsSettings:
    """Settings of a service that stands among these."""
    values: dict[str, Any] = {
        "env": "development",
        "smtp_host": "127.0.0.1",
        "smtp_port": around.smtp_port,
        "sms_url": f"{around.address}/dev/sms",
        "referral_url": around.address,
        "matching_url": around.address,
        "token_url": f"{around.address}/token",
        "public_url": "http://localhost:8080",
    }
    return NotificationsSettings(**(values | more))
