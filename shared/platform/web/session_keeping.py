"""Sign-ins are kept by the referral service. Every other service asks it whether one is still open."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from shared.platform.web.granted import Granted, LogoutNotice
from shared.platform.web.principal import Principal

# Below the ten seconds within which signing out works everywhere, by the time that an answer takes.
REMEMBERED_SECONDS: Final = 8.0
_MOST_REMEMBERED: Final = 10_000


class SessionsUnavailable(Exception):
    """The referral service does not say whether a session is open, so nobody is let in."""


class RepeatedNotice(Exception):
    """The issuer's notice was taken before: each counts once."""


class SessionCheck(Protocol):
    """Says whether a session is open. `digest` is `Session.digest`: the id itself is told to nobody."""

    async def is_open(self, digest: str) -> bool:
        """Counts as use of the session. Raises SessionsUnavailable."""
        ...


class SessionKeeper(SessionCheck, Protocol):
    """Keeps sessions too."""

    async def begin(self, digest: str, ends: datetime, caller: Principal, granted: Granted) -> None:
        """Opens a session, which ends at `ends` (UTC) at the latest, and notes that the caller signed in.

        A session with a refresh token stays open while the issuer gives its person the same rights.
        Raises SessionsUnavailable.
        """
        ...

    async def end_named(self, notice: LogoutNotice) -> Sequence[str]:
        """Ends the sessions that the issuer names, and gives their digests.

        Raises RepeatedNotice, or SessionsUnavailable: then the same notice may come again.
        """
        ...

    async def end(self, digest: str) -> None:
        """Ends a session for good. Raises SessionsUnavailable."""
        ...


class RememberedSessions:
    """Asks `check`, and remembers each answer for a few seconds.

    An answer counts from when the question was asked, so that a slow answer is not remembered longer.
    Requests that ask about one session at the same time share one question. A failure is not remembered.
    """

    def __init__(self, check: SessionCheck, seconds: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[bool]] = {}

    async def is_open(self, digest: str) -> bool:
        """As SessionCheck."""
        known = self._known.get(digest)
        if known is not None and self._seconds() - known[0] < REMEMBERED_SECONDS:
            return known[1]
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._ask(digest))
            self._asking[digest] = asking
            asking.add_done_callback(lambda done: self._answered(digest, done))
        # One reader who leaves must not take the answer away from the others.
        return await asyncio.shield(asking)

    def forget(self, digest: str) -> None:
        """After the session has ended here: neither an answer nor a question under way counts any more."""
        self._known.pop(digest, None)
        self._asking.pop(digest, None)

    async def _ask(self, digest: str) -> bool:
        asked = self._seconds()
        mine = asyncio.current_task()
        is_open = await self._check.is_open(digest)
        if self._asking.get(digest) is mine:
            self._known[digest] = (asked, is_open)
            self._known.move_to_end(digest)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return is_open

    def _answered(self, digest: str, done: asyncio.Task[bool]) -> None:
        if self._asking.get(digest) is done:
            del self._asking[digest]
        if not done.cancelled():
            done.exception()  # everybody who waited may have left
