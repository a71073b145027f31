"""Sessions kept in memory, for an application that runs without the referral service."""

from datetime import datetime

from shared.platform.web.principal import Principal
from shared.platform.web.session_keeping import SessionsUnavailable


class MemorySessions:
    """A SessionKeeper. `open` are the digests; `away` answers nothing; `questions` counts."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.away = False
        self.questions = 0

    async def begin(self, digest: str, ends: datetime, caller: Principal | None = None) -> None:
        self._answer()
        self.open.add(digest)

    async def is_open(self, digest: str) -> bool:
        self._answer()
        self.questions += 1
        return digest in self.open

    async def end(self, digest: str) -> None:
        self._answer()
        self.open.discard(digest)

    def _answer(self) -> None:
        if self.away:
            raise SessionsUnavailable
