"""Verifies the chain of one service's audit in its database."""

from datetime import datetime
from typing import Final

from shared.delivery.audit.chain import Checkpoint
from shared.delivery.audit.sealer import signed_of
from shared.delivery.audit.trail import AUDIT, AUDIT_PAGES
from shared.delivery.audit.verdict import ChainCheck, Verdict
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.key_ring import KeyRing

_LISTED: Final = 100
_PAGES: Final = 20


async def verify(
    mongo: Mongo,
    service: str,
    keys: KeyRing,
    kept_since: datetime,
    earlier: Checkpoint | None = None,
) -> Verdict:
    """Reads every page and every entry. Raises the database's error.

    `kept_since`: entries before it may have ended. `earlier`: a checkpoint that was kept outside.
    """
    check, last = ChainCheck(service, keys, kept_since), 0
    # Asked again until no page is new: the sealer goes on meanwhile.
    while (
        pages := await mongo[AUDIT_PAGES]
        .find({"_id": {"$gt": last}})
        .sort("_id", 1)
        .limit(_PAGES)
        .to_list(None)
    ):
        for row in pages:
            signed = signed_of(row)
            ids = [leaf.id for leaf in signed.page.leaves]
            which = {"$or": [{"_id": {"$in": ids}}, {"page": row["_id"]}]}
            rows = {each["_id"]: each async for each in mongo[AUDIT].find(which)}
            check.page(signed, rows)
            check.unsealed(sorted(rows.keys() - set(ids)))
            last = row["_id"]
    check.unsealed(await _in_no_page(mongo, last))
    asked = earlier if earlier is not None and earlier.number else None
    then: Row | None = None
    if asked is not None:
        then = await mongo[AUDIT_PAGES].find_one({"_id": asked.number}, {"hash": 1})
    return check.finish(asked, str(then["hash"]) if then is not None else None)


async def _in_no_page(mongo: Mongo, last: int) -> list[str]:
    """Entries that are not open, and of no page that was read."""
    which = {"open": {"$ne": True}, "page": {"$not": {"$gte": 1, "$lte": last}}}
    found: list[str] = []
    async for row in mongo[AUDIT].find(which, {"page": 1}).limit(_LISTED):
        sealed = {"_id": row.get("page"), "leaves": {"$elemMatch": {"$elemMatch": {"$eq": row["_id"]}}}}
        if await mongo[AUDIT_PAGES].find_one(sealed, {"_id": 1}) is None:
            found.append(str(row["_id"]))
    return found
