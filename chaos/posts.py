"""Referrals by practices. Each request is repeated until its result is known.

A missing answer leaves the result open. The same request is sent again under the same Idempotency-Key. In the
end every request was accepted once, with an id, or refused.
"""

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from bench.people import referrals
from chaos.tokens import Tokens
from shared.platform.localities import Locality

PATH = "/api/referral/v1/referrals"
AGAIN_AFTER = 0.2
# Statuses that do not blame the request: a temporary refusal, or a token that a wrong clock rejects.
_NOT_NOW = frozenset({401, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Post:
    """A requested referral. Times are seconds since 1970. `referral` is set once it was accepted."""

    key: str
    locality: str
    sent: float
    tries: int = 0
    referral: str = ""
    answered: float = 0.0
    refused: int = 0


@dataclass
class Practices:
    """All practices that refer through the front at `url`."""

    url: str
    tokens: Tokens
    localities: list[Locality]
    posts: list[Post] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_connections=100)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=10.0, trust_env=False, limits=limits)
        self._bodies = self._each()
        self._kept: dict[str, str] = {}

    def _each(self) -> Iterator[tuple[Locality, dict[str, Any]]]:
        """A body for each locality in turn.

        Every second person has no NHS number, so that only the key identifies a repeated request.
        """
        bodies = referrals(self.localities)
        for number, locality, body in zip(
            itertools.count(), itertools.cycle(self.localities), bodies, strict=False
        ):
            yield locality, {**body, "nhs_number": body["nhs_number"] if number % 2 else None}

    def refer(self) -> None:
        """Sends one more request, and repeats it in the background."""
        locality, body = next(self._bodies)
        post = Post(str(uuid.uuid4()), locality.slug, time.time())
        self.posts.append(post)
        task = asyncio.create_task(self._ask(post, body))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, post: Post, body: dict[str, Any]) -> None:
        practice = body["practice"]
        token = self._kept.setdefault(practice, "") or self.tokens.referrer_at(practice)
        self._kept[practice] = token
        headers = {"authorization": f"Bearer {token}", "idempotency-key": post.key}
        while True:
            post.tries += 1
            try:
                answer = await self._http.post(PATH, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_AFTER)
                continue
            if answer.status_code in _NOT_NOW:
                await asyncio.sleep(AGAIN_AFTER)
                continue
            post.answered = time.time()
            if answer.status_code == HTTPStatus.CREATED:
                post.referral = str(answer.json()["id"])
            else:
                post.refused = answer.status_code
            return

    async def settled(self, within: float) -> None:
        """Waits until every request has its answer. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while self._under_way:
                await asyncio.wait(list(self._under_way))

    async def stop(self) -> None:
        """Drops the requests under way."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._http.aclose()
