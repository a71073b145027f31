"""Sessions kept in memory, for an application that runs without the referral service."""

from collections.abc import Sequence
from datetime import datetime

from shared.platform.web.granted import Granted, LogoutNotice
from shared.platform.web.principal import Principal
from shared.platform.web.session_keeping import RepeatedNotice, SessionsUnavailable


class MemorySessions:
    """A SessionKeeper. `open` are the digests; `away` answers nothing; `questions` counts."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.owners: dict[str, Granted] = {}
        self.notices: set[str] = set()
        self.away = False
        self.questions = 0

    async def begin(self, digest: str, ends: datetime, caller: Principal, granted: Granted) -> None:
        self._answer()
        self.open.add(digest)
        self.owners[digest] = granted

    async def end_named(self, notice: LogoutNotice) -> Sequence[str]:
        self._answer()
        if notice.jti in self.notices:
            raise RepeatedNotice
        self.notices.add(notice.jti)
        named = [
            digest
            for digest, granted in self.owners.items()
            if digest in self.open
            and (granted.sid == notice.sid if notice.sid else granted.subject == notice.subject)
        ]
        self.open.difference_update(named)
        return named

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
