"""What an operator did to a service by hand: who, when, what and why. Rows are added and never changed."""

from datetime import datetime

from shared.delivery.mongo.database import Document, Transaction
from shared.platform.ids import NewId

OPERATIONS = "operations"


async def note(
    tx: Transaction, new_id: NewId, now: datetime, *, what: str, by: str, why: str, about: Document
) -> None:
    """Adds a row. `about` holds codes and places only; `why` is what the operator typed."""
    row: Document = {"_id": new_id(), "at": now, "what": what, "by": by, "why": why, "about": about}
    await tx[OPERATIONS].insert_one(row, session=tx.session)
