"""Confirmation of services' mailboxes, before any one-tap mail goes to one."""

from base64 import b32encode
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final, Literal

from pymongo.errors import DuplicateKeyError

from services.matching.collections import MAILBOXES, SERVICES
from services.matching.directory.feed.model import Service
from services.matching.provider.links import LinkAltered
from shared.delivery.audit.trail import AuditTrail
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.key_ring import KeyRing
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal

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


@dataclass(frozen=True, slots=True)
class Claim:
    """The state of a service's mailbox. `since`: when it was last asked or confirmed, if it was."""

    state: Literal["no_mailbox", "not_asked", "asked", "confirmed"]
    since: datetime | None = None


class Mailboxes:
    """The mailboxes of services, each stored as a keyed hash of its address.

    A confirmation holds for one address and one service. A new address, or another service at the same
    address needs a new confirmation. `key`: the keys as the setting lists them; a mailbox keeps the hash of
    an earlier key until `rehash`. `invented`: addresses that cannot exist count as confirmed, for invented
    services.
    """

    def __init__(self, mongo: Mongo, key: str, clock: Clock, new_id: NewId, *, invented: bool) -> None:
        self._mongo = mongo
        self._keys = KeyRing.of(key)
        self._clock = clock
        self._new_id = new_id
        self._trail = AuditTrail(mongo, new_id, clock)
        self._invented = invented

    async def usable(self, services: Iterable[Service]) -> frozenset[str]:
        """The ids of the services whose mailbox may be written to."""
        with_address = {one.id: one.email for one in services if one.email}
        ids = {identity: self._ids(address) for identity, address in with_address.items()}
        wanted = sorted({each for some in ids.values() for each in some})
        rows = self._mongo[MAILBOXES].find({"_id": {"$in": wanted}}, {"confirmed": 1})
        confirmed = {row["_id"]: set(row.get("confirmed", ())) async for row in rows}
        return frozenset(
            identity
            for identity, address in with_address.items()
            if any(identity in confirmed.get(each, ()) for each in ids[identity])
            or self._is_invented(address)
        )

    async def claims(self, services: Iterable[Service]) -> dict[str, Claim]:
        """The state of each service's mailbox, by service."""
        some = list(services)
        ids = {one.id: self._ids(one.email) if one.email else [] for one in some}
        wanted = sorted({each for known in ids.values() for each in known})
        rows = {row["_id"]: row async for row in self._mongo[MAILBOXES].find({"_id": {"$in": wanted}})}
        usable = await self.usable(some)
        return {
            one.id: _claim(one, [rows[each] for each in ids[one.id] if each in rows], one.id in usable)
            for one in some
        }

    async def want(self, service: Service) -> Wanted | None:
        """The mail that asks a mailbox to confirm; None if one was sent within a day, or it is confirmed.

        The mail covers all services of the directory at this address. If it cannot be sent, call
        `taken_back`.
        """
        if service.email is None or service.id in await self.usable([service]):
            return None
        now, ids = self._clock(), self._ids(service.email)
        known = {row["_id"]: row async for row in self._mongo[MAILBOXES].find({"_id": {"$in": ids}})}
        identity = next((each for each in ids if each in known), ids[0])
        before = known.get(identity, {})
        token = self._token(identity, self._new_id())
        names = {service.id: service.name} | await self._services_at(service.email)
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
        which = {"link": _hash(wanted.token)}
        await self._mongo[MAILBOXES].update_one(which, {"$set": {"asked_at": None}})

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
        by = Change(Principal(f"mailbox:{ask.mailbox[:32]}", "provider"), "confirm_mailbox")

        async def work(tx: Transaction) -> None:
            await tx[MAILBOXES].update_one({"link": ask.link}, change, session=tx.session)
            await self._trail.write(tx, by)

        await self._mongo.transact(work)
        return ask

    async def by_key(self) -> Counter[str]:
        """The number of mailboxes by the id of the key that hashes them; "" is an unknown key or address."""
        counted: Counter[str] = Counter()
        async for address in self._addresses():
            ids = self._ids(address)
            held = {
                row["_id"] async for row in self._mongo[MAILBOXES].find({"_id": {"$in": ids}}, {"_id": 1})
            }
            counted.update(key for key, each in zip(self._keys.ids, ids, strict=True) if each in held)
        counted[""] = await self._mongo[MAILBOXES].count_documents({}) - counted.total()
        return counted

    async def rehash(self) -> int:
        """Moves the mailboxes of the directory's addresses to the newest key; returns how many moved.

        Safe to run twice, and beside mails and confirmations: each mailbox moves in a transaction.
        """
        moved = 0
        async for address in self._addresses():
            newest, *earlier = self._ids(address)
            for old in earlier:
                moved += await self._mongo.transact(partial(_move, old=old, new=newest))
        return moved

    async def _addresses(self) -> AsyncIterator[str]:
        known = await self._mongo[SERVICES].distinct("service.email")
        for address in {str(each).strip().lower() for each in known if each}:
            yield address

    async def _services_at(self, address: str) -> dict[str, str]:
        """The names of the services at an address, by id."""
        found = self._mongo[SERVICES].find({"service.email": address, "gone": False}, {"service.name": 1})
        return {row["_id"]: row["service"]["name"] async for row in found.limit(_MAX_SERVICES)}

    def _token(self, mailbox: str, nonce: str) -> str:
        """Letters a to z and digits 2 to 7 alone, which every mail program leaves unchanged."""
        secret = self._keys.macs(f"confirm|{mailbox}|{nonce}".encode())[0]
        return b32encode(secret).decode().rstrip("=").lower()

    def _is_invented(self, address: str) -> bool:
        return self._invented and address.lower().endswith(INVENTED)

    def _ids(self, address: str) -> list[str]:
        """The id of an address under each key, newest first."""
        return [mac.hex() for mac in self._keys.macs(f"mailbox|{address.strip().lower()}".encode())]


def _claim(service: Service, rows: Sequence[Row], usable: bool) -> Claim:
    if service.email is None:
        return Claim("no_mailbox")
    if usable:
        confirmed = [row["confirmed_at"] for row in rows if service.id in row.get("confirmed", ())]
        return Claim("confirmed", max(confirmed, default=None))
    asked = [row["asked_at"] for row in rows if row.get("asked_at") and service.id in row["services"]]
    return Claim("asked", max(asked)) if asked else Claim("not_asked")


async def _move(tx: Transaction, old: str, new: str) -> int:
    """Moves one mailbox to another id, and joins it with what is there. Returns 1 if there was one."""
    row = await tx[MAILBOXES].find_one_and_delete({"_id": old}, session=tx.session)
    if row is None:
        return 0
    there = await tx[MAILBOXES].find_one({"_id": new}, session=tx.session)
    confirmed = sorted({*row.get("confirmed", ()), *(there or {}).get("confirmed", ())})
    whole = {**row, **(there or {}), "_id": new}
    if confirmed:
        whole["confirmed"] = confirmed
    if there is not None:
        ended = [*row.get("old", ()), *([row["link"]] if "link" in row else ()), *there.get("old", ())]
        whole["old"] = ended[-_OLD_LINKS:]
    await tx[MAILBOXES].replace_one({"_id": new}, whole, upsert=True, session=tx.session)
    return 1


def _hash(token: str) -> str:
    """The stored form of a link. Characters that a mail program put between its letters are dropped."""
    letters = "".join(sign for sign in token[:_LONGEST] if sign.isascii() and sign.isalnum())
    return sha256(letters.lower().encode()).hexdigest()
