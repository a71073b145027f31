"""Log of operators' interventions in a service: who, when, what and why. Rows are added and never changed."""

from datetime import datetime

from shared.delivery.mongo.database import Document, Transaction
from shared.platform.ids import NewId

OPERATIONS = "operations"


async def note(
    tx: Transaction, new_id: NewId, now: datetime, *, what: str, by: str, why: str, about: Document
) -> None:
    """Adds a row. `about` holds codes and positions only; `why` is the operator's own text."""
    row: Document = {"_id": new_id(), "at": now, "what": what, "by": by, "why": why, "about": about}
    await tx[OPERATIONS].insert_one(row, session=tx.session)
