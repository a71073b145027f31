"""The development process, on a free port of its own, kept in a temporary folder."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.development.app import development_app
from deploy.development.settings import DevelopmentSettings
from tests.harness.pages.serving import serving
from tests.harness.web.keeper import MemorySessions

AUTHORIZE = "/dev/issuer/authorize"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings_in(state: Path, **values: object) -> DevelopmentSettings:
    """Settings of a development process that nothing else shares."""
    port, smtp_port = free_port(), free_port()
    url = f"http://localhost:{port}"
    given = {
        "env": "development",
        "state": state,
        "port": port,
        "smtp_port": smtp_port,
        "public_url": url,
        "issuer": f"{url}/dev/issuer",
    }
    return DevelopmentSettings.model_validate(given | values)


def settings_of(development: FastAPI) -> DevelopmentSettings:
    """The settings of the running process."""
    settings: DevelopmentSettings = development.state.settings
    return settings


@pytest_asyncio.fixture(scope="package")
async def development(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    """The process as it runs, with its mail sink; `app.state.settings` says where."""
    settings = settings_in(tmp_path_factory.mktemp("development"))
    app = development_app(settings, keeper=(keeper := MemorySessions()))
    app.state.keeper = keeper
    async with serving(app, settings.port):
        yield app


@pytest_asyncio.fixture
async def client(development: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the development process, over real HTTP."""
    url = development.state.settings.public_url
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client
