"""Clients of the services' HTTP APIs, with the token of a signed-in person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from deploy.demo.sign_in import SignIn

PATIENCE = 90  # Attempts, 0.5 s apart, while a service starts or is busy.


class DoorShut(Exception):
    """A service refused a request of the demonstration. Names service, status and code, never the content."""


class Doors:
    """Requests in a person's name. Each person's token is fetched once."""

    def __init__(self, http: httpx.AsyncClient, sign_in: SignIn) -> None:
        self._http = http
        self._sign_in = sign_in
        self._tokens: dict[str, str] = {}

    async def send(
        self, method: str, url: str, user: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Sends JSON until the service answers; 409 counts as an answer. Raises DoorShut for a refusal."""
        for _ in range(PATIENCE):
            try:
                token = await self._token(user)
                answer = await self._http.request(
                    method, url, json=body, headers={"authorization": f"Bearer {token}", **(headers or {})}
                )
            except httpx.TransportError:
                await asyncio.sleep(0.5)
                continue
            if answer.status_code == 401:
                self._tokens.pop(user, None)
            elif answer.status_code < 500 and answer.status_code != 429:
                break
            await asyncio.sleep(0.5)
        else:
            raise DoorShut(f"{method} {_path(url)} did not answer.")
        if answer.is_success or answer.status_code == 409:
            return answer
        raise DoorShut(f"{method} {_path(url)} was refused: {answer.status_code} {_code(answer)}.")

    async def _token(self, user: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = await self._sign_in.token(user)
        return self._tokens[user]


def _path(url: str) -> str:
    return httpx.URL(url).path


def _code(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return ""
    if not isinstance(problem, dict):
        return ""
    wrong = [f"{one.get('pointer')} {one.get('code')}" for one in problem.get("errors") or []]
    return " ".join([str(problem.get("code", "")), *wrong])
