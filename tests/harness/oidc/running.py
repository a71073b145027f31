"""A certified OpenID Connect provider as a process of its own, and a browser that signs in with it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local.assets import node, npm
from deploy.local.ports import free_port

HERE = Path(__file__).parent
CLIENT = "linkwork-referral"
SECRET = "a-secret-of-the-test-at-a-real-issuer"


@dataclass
class RealIssuer:
    """The running provider. `people` are whom the test makes, by their id."""

    url: str
    http: httpx.AsyncClient

    async def gives(self, person: str, **claims: Any) -> None:
        """From now on, tokens of this person hold these claims."""
        (await self.http.put(f"/test/people/{person}", json=claims)).raise_for_status()

    async def removes(self, person: str) -> None:
        """Removes the account."""
        (await self.http.delete(f"/test/people/{person}")).raise_for_status()

    async def logs_out(self, person: str) -> None:
        """Sends the logout tokens of the person's sessions. Fails if one is not accepted."""
        answer = await self.http.post(f"/test/people/{person}/log-out")
        assert answer.is_success, answer.text

    async def refreshes(self) -> int:
        """The number of times that a refresh token was used."""
        found: int = (await self.http.get("/test/refreshes")).json()["refreshes"]
        return found


async def installed(folder: Path) -> Path:
    """A copy of the provider with its packages installed."""
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    command = [*npm(folder), "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
    process = await asyncio.create_subprocess_exec(*command, cwd=folder)
    async with asyncio.timeout(180):
        assert await process.wait() == 0
    return folder


@asynccontextmanager
async def real_issuer(folder: Path, linkwork: str) -> AsyncIterator[RealIssuer]:
    """Runs the provider for the block, with `linkwork` as its client."""
    port = free_port()
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [f"{linkwork}/signed-in"],
        "post_logout_redirect_uris": [f"{linkwork}/signed-out"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "backchannel_logout_uri": f"{linkwork}/back-channel-logout",
        "backchannel_logout_session_required": True,
    }
    process = await asyncio.create_subprocess_exec(
        node(folder),
        "provider.mjs",
        json.dumps({"port": port, "client": client}),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"ready" not in (line := await process.stdout.readline()):
                assert line, "the provider did not start"
        url = f"http://localhost:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            yield RealIssuer(url, http)
    finally:
        process.terminate()
        await process.wait()


async def sign_in(
    browser: httpx.AsyncClient, person: str, *, at: str = "/sign-in", acr: str | None = None
) -> httpx.Response:
    """Signs in as a person, from an address of ours, and gives the answer of /signed-in."""
    answer = await browser.get(at)
    for _ in range(10):
        location = answer.headers.get("location", "")
        if answer.request.url.path == "/signed-in" or not location:
            return answer
        following = answer.request.url.join(location)
        if following.path.startswith("/interaction/"):
            chosen = {"person": person} | ({"acr": acr} if acr else {})
            answer = await browser.post(following, data=chosen)
        else:
            answer = await browser.get(following)
    raise AssertionError("the sign-in goes in circles")
