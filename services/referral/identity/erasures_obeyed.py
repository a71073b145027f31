"""Keeps the vault closed after a start, until everybody is erased whom the log says to be erased.

A restored database brings erased people back, and its tombstones are as old as it is. The log says who was
erased since.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from services.referral.collections import ERASED
from services.referral.identity.context import ReferralContext
from services.referral.identity.erasure import erase_people_of, follow_owners_erasures
from services.referral.identity.erasure_log import ErasureLog, LogMissing
from services.referral.identity.erasures_heard import BY_LOG
from services.referral.identity.vault.entries import has_people
from shared.contract.events.envelope import Envelope
from shared.contract.events.topics import partner_source, source
from shared.delivery.model.errors import Transient

CLOSED: Final = "Nothing was changed. We are still checking who was erased. Try again in a moment."
# A start waits so long for the broker. Without it, everything else is served.
_BEGIN_SECONDS: Final = 3.0
_AGAIN_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class ErasuresObeyed:
    """Opens the vault once it has read the log to its end."""

    def __init__(self, context: ReferralContext, log: ErasureLog) -> None:
        self._context = context
        self._erasures = log
        self._waits_for: str | None = None
        context.vault.is_open = False

    def detail(self) -> dict[str, Any]:
        """State of the vault, for /readyz."""
        if self._context.vault.is_open:
            return {"state": "open"}
        return {"state": "closed", "reads": "erasures", "waits_for": self._waits_for}

    async def begin(self) -> asyncio.Task[None]:
        """Starts reading, and waits for its end within a bound. The task is to be cancelled at the stop."""
        task = asyncio.create_task(self.run())
        await asyncio.wait([task], timeout=_BEGIN_SECONDS)
        return task

    async def run(self) -> None:
        """Tries until the vault is open."""
        while True:
            try:
                again = await self.obey()
            except (PyMongoError, Transient):
                self._wait("database")
            except (KafkaError, OSError):
                self._wait("broker")
            except LogMissing as missing:
                self._wait(f"topic {missing}")
            except Exception:
                _log.exception("erasures of the log cannot be obeyed: the vault stays closed")
                self._waits_for = "own_code"
            else:
                if again:
                    _log.warning("%d people had come back with a restored database, and were erased", again)
                self._context.vault.is_open = True
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def obey(self) -> int:
        """Erases whom facts and log say to be erased. Returns the number of people who were still there.

        A locality of which the vault holds nobody needs no log, so that a first start waits for nothing.

        Raises:
            LogMissing: a topic does not exist, or may not be read.
            KafkaError, OSError, TimeoutError: the broker does not answer, or refuses us.
            PyMongoError, Transient: the database is away.
        """
        mongo = self._context.mongo
        localities = [each for each in self._context.kernel.localities if await has_people(mongo, each)]
        said = await self._erasures.unhandled(localities)
        return sum([await self._obey(locality, said) for locality in localities])

    async def _obey(self, locality: str, said: Sequence[Envelope]) -> int:
        context, owner = self._context, self._context.owner(locality)
        # Our vault holds people whom we referred: nobody else may say that they are erased.
        sources = {source(locality, "referral")}
        if owner is not None:
            sources.add(partner_source(locality, owner.name))
        told = sorted({event.body.referral_id for event in said if event.source in sources})
        by_facts = await follow_owners_erasures(context, locality)
        if not told:
            return by_facts
        # These were said after the back-up: they are not said again under another id.
        waiting = {"locality": locality, "untold": {"$in": told}}
        await context.mongo[ERASED].update_many(waiting, {"$pull": {"untold": {"$in": told}}})
        return by_facts + await erase_people_of(context, locality, told, BY_LOG, told)

    def _wait(self, what: str) -> None:
        if self._waits_for != what:
            _log.warning("the vault stays closed and waits for the %s", what)
        self._waits_for = what
