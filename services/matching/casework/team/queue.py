"""The team's queue: open cases that wait for somebody. One filter a reason, for the list and for taking."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.casework.team.views import WaitsFor
from services.matching.collections import LINK_WORKERS
from services.matching.errors import Refused
from services.matching.referral_state.state import ReferralState
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from services.matching.web.refusals import problem_of
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

MAX_LINES: Final = 200
_Matching = Kernel[ReferralState, Diaries]


async def of_the_team(kernel: _Matching, worker: LinkWorker, referral_id: str) -> Row:
    """A case of the link worker's locality. Raises a Problem, 404, for any other."""
    which = {"locality": worker.locality, "referral": referral_id, "view.created": {"$ne": None}}
    row: Row | None = await kernel.mongo[REFERRALS].find_one(which)
    if row is None or row["view"]["stage"] == "erased":
        raise problem_of(Refused("unknown_case"))
    return row


async def team_of(kernel: _Matching, locality: str) -> list[LinkWorker]:
    """The link workers of a locality, those who have left too."""
    found = kernel.mongo[LINK_WORKERS].find({"locality": locality})
    return sorted([worker_of(row) async for row in found], key=lambda worker: worker.name)


def queue_filter(worker: LinkWorker, team: Iterable[LinkWorker], today: date) -> dict[str, Any]:
    """The open cases that wait, without the reader's own: those are on their own list."""
    away, here = _by_presence(team, today)
    return {
        "locality": worker.locality,
        "view.open": True,
        "view.link_worker": {"$ne": worker.id},
        "$or": [
            {"view.link_worker": {"$nin": [*away, *here]}},
            {"view.link_worker": {"$in": away}},
            {"view.step.on": {"$lt": today.isoformat()}},
        ],
    }


def reasons_to_wait(row: Row, team: Iterable[LinkWorker], today: date) -> tuple[WaitsFor, ...]:
    """The reasons for which this open case stands in the queue; empty if it does not."""
    away, here = _by_presence(team, today)
    view = row["view"]
    whose, step = view["link_worker"], view["step"]
    found = []
    if whose not in away and whose not in here:
        found.append(WaitsFor.NOBODY)
    if whose in away:
        found.append(WaitsFor.AWAY)
    if step and step["on"] < today.isoformat():
        found.append(WaitsFor.OVERDUE)
    return tuple(found) if view["open"] else ()


async def waits_for(kernel: _Matching, worker: LinkWorker, row: Row) -> tuple[WaitsFor, ...]:
    """The reasons for which another link worker's case stands in this link worker's queue."""
    if row["view"]["link_worker"] == worker.id:
        return ()
    team = await team_of(kernel, worker.locality)
    return reasons_to_wait(row, team, london_day(kernel.clock()))


def _by_presence(team: Iterable[LinkWorker], today: date) -> tuple[list[str], list[str]]:
    """The ids of those who are away today, and of those who are here. Those who have left are neither."""
    away: list[str] = []
    here: list[str] = []
    for each in team:
        if each.active:
            (away if each.away(today) else here).append(each.id)
    return away, here
