"""Seals committed entries in pages, beside the commands: no command waits for the chain."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import PyMongoError

from shared.delivery.audit.chain import BEGINNING, Leaf, Page, Signed, is_signed, page_of, signed
from shared.delivery.audit.trail import AUDIT, AUDIT_PAGES
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.delivery.mongo.leases import Leases
from shared.platform.clock import Clock
from shared.platform.key_ring import KeyRing

SEAL_SECONDS: Final = 10.0
LEASE: Final = "audit-seal"
_PAGE: Final = 1000
_log = logging.getLogger("linkwork.audit")


class ForeignPage(Exception):
    """The chain ends with a page that none of our keys signed: a later one would cover it."""


class Sealer:
    """Seals the entries of one database. The number of a page is unique, so that two sealers do no harm."""

    def __init__(self, service: str, mongo: Mongo, leases: Leases, keys: KeyRing, clock: Clock) -> None:
        self._service = service
        self._mongo = mongo
        self._leases = leases
        self._keys = keys
        self._clock = clock

    async def run(self) -> None:
        """Seals what is open, again and again, until cancelled."""
        while True:
            await asyncio.sleep(SEAL_SECONDS)
            try:
                is_open = await self._mongo[AUDIT].find_one({"open": True}, {"_id": 1})
                if is_open is not None and await self._leases.take(LEASE):
                    await self.seal()
            except (PyMongoError, Transient) as error:
                _log.warning("sealing waits: %s", type(error).__name__)
            except ForeignPage:
                _log.exception("nothing is sealed: run `linkwork audit verify`")
            except Exception:
                _log.exception("sealing failed")

    async def seal(self) -> int:
        """Seals every entry that is open now. Returns their number.

        Raises:
            ForeignPage: the end of the chain is altered, or its key is no longer listed.
            Transient: the database is away, or (`Conflict`) another process sealed first.
        """
        sealed = 0
        while count := await self._mongo.transact(self._seal_page):
            sealed += count
            if count < _PAGE:
                break
        return sealed

    async def _seal_page(self, tx: Transaction) -> int:
        found = tx[AUDIT].find({"open": True}, session=tx.session)
        rows = await found.sort([("at", ASCENDING), ("_id", ASCENDING)]).limit(_PAGE).to_list(None)
        if not rows:
            return 0
        last = await _last_page(tx)
        if last is not None and not is_signed(self._keys, self._service, last):
            raise ForeignPage(f"page {last.page.number}")
        number, previous = (last.page.number + 1, last.page.hash) if last is not None else (1, BEGINNING)
        page = signed(self._keys.newest, self._service, page_of(number, previous, self._clock(), rows))
        await tx[AUDIT_PAGES].insert_one(_document(page), session=tx.session)
        sealed = {"$set": {"page": number}, "$unset": {"open": ""}}
        ids = [row["_id"] for row in rows]
        await tx[AUDIT].update_many({"_id": {"$in": ids}}, sealed, session=tx.session)
        # The log lies outside the database: it shows whether the end of the chain was cut off.
        told = {"service": self._service, "page": number, "hash": page.hash}
        tx.when_ended(lambda committed: _log.info("audit sealed", extra=told) if committed else None)
        return len(rows)


class SealRotation:
    """The key of the chain's end, which alone needs a listed key: its signature covers the pages before."""

    def __init__(self, service: str, mongo: Mongo, keys: KeyRing) -> None:
        self._service = service
        self._mongo = mongo
        self._keys = keys

    async def key(self) -> str | None:
        """The id of the key that signed the last page; None without a page."""
        last = await _last_page(self._mongo.outside())
        return last.key if last is not None else None

    async def sign_anew(self) -> int:
        """Signs the last page with the newest key, if an earlier listed one signed it. Returns the number."""
        last = await _last_page(self._mongo.outside())
        if last is None or last.key == self._keys.newest.id or not is_signed(self._keys, self._service, last):
            return 0
        anew = signed(self._keys.newest, self._service, last.page)
        which = {"_id": last.page.number, "signature": last.signature}
        change = {"$set": {"signature": anew.signature, "key": anew.key}}
        return (await self._mongo[AUDIT_PAGES].update_one(which, change)).modified_count


async def _last_page(tx: Transaction) -> Signed | None:
    row: Row | None = await tx[AUDIT_PAGES].find_one({}, sort=[("_id", DESCENDING)], session=tx.session)
    return signed_of(row) if row is not None else None


def _document(page: Signed) -> Document:
    """A page as stored."""
    content = page.page
    return {
        "_id": content.number,
        "previous": content.previous,
        "at": content.at,
        "latest": content.latest,
        "leaves": [[leaf.id, leaf.digest] for leaf in content.leaves],
        "hash": page.hash,
        "signature": page.signature,
        "key": page.key,
    }


def signed_of(row: Row) -> Signed:
    """A page as read. Values of a wrong type make a page whose hash does not fit."""
    leaves = tuple(Leaf(*map(str, (*each, "")[:2])) for each in row.get("leaves", ()))
    page = Page(
        int(row["_id"]), str(row.get("previous")), _time(row.get("at")), _time(row.get("latest")), leaves
    )
    return Signed(page, str(row.get("hash")), str(row.get("signature")), str(row.get("key")))


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromtimestamp(0, UTC)
