"""Asks the issuer again, within a minute of its last answer, whether a person has their rights."""

import asyncio
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from services.referral.collections import SESSIONS
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.web.granted import Granted, IssuerUnavailable, LogoutNotice, NotGranted
from shared.platform.web.rights import RIGHTS
from shared.platform.web.session import derived_keys
from shared.platform.web.session_keeping import SessionsUnavailable
from shared.platform.web.settings import ServiceSettings

_log = logging.getLogger(__name__)

# An answer of the issuer is asked for anew from then on, and believed until then, while none comes. With
# the seconds for which services remember that a session is open, the latter stays below a minute.
RENEWED_AFTER: Final = timedelta(seconds=30)
BELIEVED: Final = timedelta(seconds=50)
_PATIENCE: Final = timedelta(seconds=8)
# One replica asks at a time: with rotating refresh tokens, a second question would end the session.
_LEASE: Final = timedelta(seconds=10)
_TRIES: Final = 15
_PAUSE: Final = 0.1


class Renewer(Protocol):
    """Gives the rights of a person as they are now."""

    async def renewed(self, refresh_token: str, subject: str) -> Granted:
        """Raises NotGranted, or IssuerUnavailable."""
        ...


class SessionSecrets:
    """Seals what is kept of a sign-in, and digests what must be found again, under the session keys."""

    def __init__(self, settings: ServiceSettings) -> None:
        keys = derived_keys(settings, "kept refresh tokens")
        self._seal = MultiFernet([Fernet(urlsafe_b64encode(key.secret)) for key in keys])
        self._digests = derived_keys(settings, "kept sign-ins")

    def sealed(self, granted: Granted, refresh_token: str) -> bytes:
        """The refresh token and the subject that its answers must name."""
        return self._seal.encrypt(json.dumps([refresh_token, granted.subject]).encode())

    def opened(self, sealed: bytes) -> tuple[str, str]:
        """The refresh token and the subject. Raises InvalidToken if no key opens it."""
        refresh_token, subject = json.loads(self._seal.decrypt(sealed))
        return refresh_token, subject

    def digests(self, kind: str, text: str) -> list[str]:
        """The digests of a text under each key, newest first."""
        return [mac.hex() for mac in self._digests.macs(f"{kind}\x1f{text}".encode())]

    def rights(self, granted: Granted) -> list[str]:
        """The digests of a person's rights, newest first: the same while nothing was given or taken."""
        claims = granted.claims
        rights = [sorted(each) if isinstance(each := claims.get(name), list) else each for name in RIGHTS]
        return self.digests("rights", json.dumps(rights))


class Renewals:
    """Keeps refresh tokens in the documents of sessions, and uses them."""

    def __init__(self, mongo: Mongo, renewer: Renewer, secrets: SessionSecrets, clock: Clock) -> None:
        self._mongo = mongo
        self._renewer = renewer
        self._secrets = secrets
        self._clock = clock

    def kept(self, granted: Granted) -> dict[str, Any]:
        """The fields of a new session's document."""
        kept: dict[str, Any] = {"who": self._secrets.digests("subject", granted.subject)[0]}
        if granted.sid is not None:
            kept["sid"] = self._secrets.digests("sid", granted.sid)[0]
        if granted.refresh_token is not None:
            kept |= {
                "refresh": self._secrets.sealed(granted, granted.refresh_token),
                "rights": self._secrets.rights(granted)[0],
                "renewed": self._clock(),
            }
        return kept

    def named_by(self, notice: LogoutNotice) -> dict[str, Any]:
        """The query for the sessions that a notice names."""
        who = {"who": {"$in": self._secrets.digests("subject", notice.subject or "")}}
        if notice.sid is None:
            return who
        its = {"sid": {"$in": self._secrets.digests("sid", notice.sid)}}
        # A session whose ID token named none may be the one.
        return {"$or": [its, who | {"sid": {"$exists": False}}]} if notice.subject else its

    async def still_granted(self, found: Mapping[str, Any]) -> bool:
        """True if the issuer gave the person of this document the same rights within a minute.

        Otherwise the session has ended. Raises SessionsUnavailable if the issuer does not say.
        """
        if "refresh" not in found:
            return True
        row: Mapping[str, Any] | None = found
        for _ in range(_TRIES):
            if row is None:
                return False
            age = self._clock() - row["renewed"]
            if age < RENEWED_AFTER:
                return True
            if await self._claim(row):
                return await self._renew(row, age)
            if age < BELIEVED:
                return True
            await asyncio.sleep(_PAUSE)
            row = await self._mongo[SESSIONS].find_one({"_id": found["_id"]})
        raise SessionsUnavailable

    async def _claim(self, row: Mapping[str, Any]) -> bool:
        """True if this replica is the one that asks the issuer now."""
        now = self._clock()
        free = {"_id": row["_id"], "renewed": row["renewed"], "renewing": {"$not": {"$gt": now}}}
        claimed = await self._mongo[SESSIONS].update_one(free, {"$set": {"renewing": now + _LEASE}})
        return claimed.modified_count == 1

    async def _renew(self, row: Mapping[str, Any], age: timedelta) -> bool:
        asked = self._clock()
        try:
            refresh_token, subject = self._secrets.opened(row["refresh"])
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                granted = await self._renewer.renewed(refresh_token, subject)
        except (NotGranted, InvalidToken):
            return await self._over(row)
        except (IssuerUnavailable, TimeoutError):
            if age < BELIEVED:
                return True
            raise SessionsUnavailable from None
        if row["rights"] not in self._secrets.rights(granted):
            return await self._over(row)
        newer = {
            "refresh": self._secrets.sealed(granted, granted.refresh_token or refresh_token),
            "rights": self._secrets.rights(granted)[0],
            "renewed": asked,
        }
        kept = await self._mongo[SESSIONS].update_one(
            {"_id": row["_id"]}, {"$set": newer, "$unset": {"renewing": ""}}
        )
        return kept.matched_count == 1  # else it ended meanwhile

    async def _over(self, row: Mapping[str, Any]) -> bool:
        _log.info("a session has ended: the issuer gives its person other rights, or none")
        await self._mongo[SESSIONS].delete_one({"_id": row["_id"]})
        return False
