"""Stores supervision sessions. What was said about a case is in the vault, under the person's key."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from pymongo import DESCENDING

from services.matching.collections import SUPERVISIONS
from services.matching.programme.desk.views import Discussed, Session, SupervisionState
from shared.delivery.mongo.database import Mongo, Row, Transaction


async def sessions_in(mongo: Mongo, localities: Sequence[str]) -> list[Session]:
    """The sessions of these localities that stand, the latest first."""
    which = {"locality": {"$in": list(localities)}, "withdrawn_at": None}
    found = mongo[SUPERVISIONS].find(which).sort([("held_on", DESCENDING), ("at", DESCENDING)])
    return [session_of(row) async for row in found]


async def session_named(mongo: Mongo, session_id: str) -> Session | None:
    """The session with this id, withdrawn or not."""
    row: Row | None = await mongo[SUPERVISIONS].find_one({"_id": session_id})
    return session_of(row) if row is not None else None


async def store_session(tx: Transaction, session: Session) -> None:
    """Stores a session. The same id is stored once."""
    await tx[SUPERVISIONS].replace_one(
        {"_id": session.session_id}, _row(session), upsert=True, session=tx.session
    )


async def withdraw_session(tx: Transaction, session_id: str, now: datetime) -> None:
    """Marks a session as recorded by mistake."""
    await tx[SUPERVISIONS].update_one(
        {"_id": session_id}, {"$set": {"withdrawn_at": now}}, session=tx.session
    )


def state_of(sessions: Iterable[Session], today: date) -> SupervisionState:
    """The last session and the next, from a link worker's sessions, the latest first."""
    last = next(iter(sessions), None)
    if last is None:
        return SupervisionState(None, None, overdue=True)
    return SupervisionState(last.held_on, last.next_on, last.next_on is None or last.next_on < today)


def session_of(row: Row) -> Session:
    """A session from the stored document."""
    return Session(
        session_id=row["_id"],
        locality=row["locality"],
        link_worker=row["link_worker"],
        manager=row["manager"],
        held_on=date.fromisoformat(row["held_on"]),
        next_on=date.fromisoformat(row["next_on"]) if row["next_on"] else None,
        cases=tuple(Discussed(each["referral"], each["note"]) for each in row["cases"]),
        at=row["at"],
        withdrawn_at=row["withdrawn_at"],
    )


def _row(session: Session) -> dict[str, Any]:
    return {
        "_id": session.session_id,
        "locality": session.locality,
        "link_worker": session.link_worker,
        "manager": session.manager,
        "held_on": session.held_on.isoformat(),
        "next_on": session.next_on.isoformat() if session.next_on else None,
        "cases": [{"referral": each.referral_id, "note": each.note} for each in session.cases],
        "at": session.at,
        "withdrawn_at": session.withdrawn_at,
    }
