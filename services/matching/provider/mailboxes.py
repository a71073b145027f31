"""Confirmation of services' mailboxes, before any one-tap mail goes to one."""

import hmac
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from pymongo.errors import DuplicateKeyError

from services.matching.collections import MAILBOXES, SERVICES
from services.matching.directory.feed.model import Service
from services.matching.provider.links import LinkAltered
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.ids import NewId

ASKED_EVERY: Final = timedelta(days=1)
LASTS: Final = timedelta(days=28)
# A top-level domain of RFC 2606: no mailbox exists there, so none can be confirmed.
INVENTED: Final = ".example"
_LONGEST: Final = 500
_OLD_LINKS: Final = 20
_MAX_SERVICES: Final = 50


class ConfirmationExpired(Exception):
    """The link is too old, or a later mail has replaced it."""


@dataclass(frozen=True, slots=True)
class MailboxAsk:
    """The question to a mailbox whether it belongs to these services. `names` are in plain words."""

    mailbox: str
    link: str
    services: tuple[str, ...]
    names: tuple[str, ...]
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail to send: its recipient, the services, and the token of its link."""

    address: str
    names: tuple[str, ...]
    token: str
    mailbox: str


class Mailboxes:
    """The mailboxes of services, each stored as a keyed hash of its address.

    A confirmation holds for one address and one service. A new address, or another service at the same
    address, needs a new confirmation. `invented`: addresses that cannot exist count as confirmed, for
    invented services.
    """

    def __init__(self, mongo: Mongo, key: str, clock: Clock, new_id: NewId, *, invented: bool) -> None:
        self._mongo = mongo
        self._key = key.encode()
        self._clock = clock
        self._new_id = new_id
        self._invented = invented

    async def usable(self, services: Iterable[Service]) -> frozenset[str]:
        """The ids of the services whose mailbox may be written to."""
        with_address = {one.id: one.email for one in services if one.email}
        keys = {identity: self._id(address) for identity, address in with_address.items()}
        rows = self._mongo[MAILBOXES].find({"_id": {"$in": sorted(set(keys.values()))}}, {"confirmed": 1})
        confirmed = {row["_id"]: set(row.get("confirmed", ())) async for row in rows}
        return frozenset(
            identity
            for identity, address in with_address.items()
            if identity in confirmed.get(keys[identity], ()) or self._is_invented(address)
        )

    async def want(self, service: Service) -> Wanted | None:
        """The mail that asks a mailbox to confirm; None if one was sent within a day, or it is confirmed.

        The mail covers all services of the directory at this address. If it cannot be sent, call
        `taken_back`.
        """
        if service.email is None or service.id in await self.usable([service]):
            return None
        now, identity = self._clock(), self._id(service.email)
        token = self._token(identity, self._new_id())
        names = {service.id: service.name} | await self._services_at(service.email)
        before = await self._mongo[MAILBOXES].find_one({"_id": identity}) or {}
        old = [*before.get("old", ()), *([before["link"]] if "link" in before else ())][-_OLD_LINKS:]
        change = {"link": _hash(token), "old": old, "asked_at": now, "services": list(names)}
        which = {"_id": identity, "asked_at": {"$not": {"$gt": now - ASKED_EVERY}}}
        try:
            await self._mongo[MAILBOXES].update_one(which, {"$set": change}, upsert=True)
        except DuplicateKeyError:
            return None  # a row exists, so a mail was sent within a day
        return Wanted(service.email, tuple(sorted(names.values())), token, identity)

    async def taken_back(self, wanted: Wanted) -> None:
        """Records that the mail was not sent, so that a retry is possible at once."""
        await self._mongo[MAILBOXES].update_one({"_id": wanted.mailbox}, {"$set": {"asked_at": None}})

    async def read(self, token: str) -> MailboxAsk:
        """Reads the question of a link. Changes nothing.

        Raises:
            LinkAltered: the link is not ours, or was changed.
            ConfirmationExpired: the link is too old, or a later mail has replaced it.
        """
        link = _hash(token)
        row = await self._mongo[MAILBOXES].find_one({"$or": [{"link": link}, {"old": link}]})
        if row is None:
            raise LinkAltered
        if row["link"] != link or (row["asked_at"] and self._clock() >= row["asked_at"] + LASTS):
            raise ConfirmationExpired
        services: list[str] = row["services"]
        found = self._mongo[SERVICES].find({"_id": {"$in": services}}, {"service.name": 1})
        names = sorted([one["service"]["name"] async for one in found])
        done = set(services) <= set(row.get("confirmed", ()))
        return MailboxAsk(row["_id"], link, tuple(services), tuple(names), done)

    async def confirm(self, token: str) -> MailboxAsk:
        """Records the confirmation. Raises as `read` does."""
        ask = await self.read(token)
        change = {
            "$addToSet": {"confirmed": {"$each": list(ask.services)}},
            "$set": {"confirmed_at": self._clock()},
        }
        await self._mongo[MAILBOXES].update_one({"_id": ask.mailbox, "link": ask.link}, change)
        return ask

    async def _services_at(self, address: str) -> dict[str, str]:
        """The names of the services at an address, by id."""
        found = self._mongo[SERVICES].find({"service.email": address, "gone": False}, {"service.name": 1})
        return {row["_id"]: row["service"]["name"] async for row in found.limit(_MAX_SERVICES)}

    def _token(self, mailbox: str, nonce: str) -> str:
        """Letters a to z and digits 2 to 7 alone, which every mail program leaves unchanged."""
        secret = hmac.new(self._key, f"confirm|{mailbox}|{nonce}".encode(), sha256).digest()
        return b32encode(secret).decode().rstrip("=").lower()

    def _is_invented(self, address: str) -> bool:
        return self._invented and address.lower().endswith(INVENTED)

    def _id(self, address: str) -> str:
        return hmac.new(self._key, f"mailbox|{address.strip().lower()}".encode(), sha256).hexdigest()


def _hash(token: str) -> str:
    """The stored form of a link. Characters that a mail program put between its letters are dropped."""
    letters = "".join(sign for sign in token[:_LONGEST] if sign.isascii() and sign.isalnum())
    return sha256(letters.lower().encode()).hexdigest()
