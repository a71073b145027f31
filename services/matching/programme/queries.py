"""Exact counts of each locality for the programme team, without names."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.matching.authorization import within_localities
from services.matching.booking.diary import Diaries
from services.matching.collections import LINK_WORKERS
from services.matching.programme.lists import on_list
from services.matching.programme.views import (
    LocalityNow,
    OverviewCase,
    OverviewCases,
    PartElsewhere,
    UnmetCount,
)
from services.matching.referral_state.state import ReferralState
from services.matching.roster.repository import worker_of
from shared.contract.events import vocabulary as v
from shared.contract.events.topics import SOURCE_PARTS
from shared.contract.history import Stage
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

LEDGER: Final = timedelta(days=365)
# Cases that the overview lists; it says how many there are.
MAX_CASES: Final = 200
_SHOWN: Final = {
    "locality": 1,
    "referral": 1,
    "view.created.practice": 1,
    "view.stage": 1,
    "view.created_at": 1,
    "view.link_worker": 1,
}


@dataclass
class ProgrammeQueries:
    """Queries of the localities for the programme team."""

    kernel: Kernel[ReferralState, Diaries]
    localities: Localities
    owners: Owners

    async def programme(self, caller: Principal) -> list[LocalityNow]:
        """Exact counts of the caller's localities, for programme_admin. No names, and no sandbox."""
        return [await self._now(caller, slug) for slug in self._slugs(caller)]

    async def _now(self, caller: Principal, locality: str) -> LocalityNow:
        referrals, now = self.kernel.mongo[REFERRALS], self.kernel.clock()
        ours: dict[str, Any] = {**within_localities(caller), "locality": locality}
        still = {**ours, "view.open": True}
        by_stage: Counter[Stage] = Counter()
        async for row in referrals.aggregate(
            [{"$match": still}, {"$group": {"_id": "$view.stage", "count": {"$sum": 1}}}]
        ):
            by_stage[Stage(row["_id"])] = row["count"]
        waits = referrals.find({**still, "view.stage": Stage.WAITING.value}, {"view.created_at": 1})
        longest = await waits.sort("view.created_at", 1).limit(1).to_list(None)
        unmet: Counter[tuple[v.Need, v.UnmetReason]] = Counter()
        async for row in referrals.aggregate(
            [
                {"$match": {**ours, "view.unmet.at": {"$gte": now - LEDGER}}},
                {"$unwind": "$view.unmet"},
                {"$match": {"view.unmet.at": {"$gte": now - LEDGER}}},
                {
                    "$group": {
                        "_id": {"need": "$view.unmet.need", "reason": "$view.unmet.reason"},
                        "count": {"$sum": 1},
                    }
                },
            ]
        ):
            unmet[v.Need(row["_id"]["need"]), v.UnmetReason(row["_id"]["reason"])] = row["count"]
        return LocalityNow(
            locality=locality,
            by_stage=dict(by_stage),
            waiting_since=longest[0]["view"]["created_at"] if longest else None,
            needs_link_worker=await referrals.count_documents({**still, "view.reasons.since": {"$lte": now}}),
            unmet=tuple(UnmetCount(need, reason, count) for (need, reason), count in unmet.most_common()),
            elsewhere=tuple(
                PartElsewhere(part, owner, by_stage.total(), to)
                for part in SOURCE_PARTS
                for owner in (self.owners.elsewhere(part, locality),)
                for to in (self.owners.handed_to(part, locality),)
                if owner is not None or to is not None
            ),
        )

    async def overview(self, caller: Principal) -> OverviewCases:
        """The open cases of the caller's localities that are on no link worker's list here.

        So every open case is on a list: its link worker's, or this. No names, and no sandbox.
        """
        found: list[OverviewCase] = []
        count = 0
        for slug in self._slugs(caller):
            of_groups = await self._in_overview(slug)
            if not of_groups:
                continue
            count += sum(number for _, number in of_groups)
            groups = [{"view.link_worker": who, "view.created.practice": at} for (who, at), _ in of_groups]
            which = {"locality": slug, "view.open": True, "$or": groups}
            rows = (
                self.kernel.mongo[REFERRALS].find(which, _SHOWN).sort("view.created_at", 1).limit(MAX_CASES)
            )
            owner = self.owners.elsewhere("casework", slug)
            found += [_case(row, owner) async for row in rows]
        found.sort(key=lambda one: (one.created_at, one.referral_id))
        return OverviewCases(tuple(found[:MAX_CASES]), count)

    async def _in_overview(self, locality: str) -> list[tuple[tuple[str | None, str], int]]:
        """Link worker and practice of open cases that no link worker of ours lists, with their number."""
        mongo, owner = self.kernel.mongo, self.owners.elsewhere("casework", locality)
        workers = [worker_of(row) async for row in mongo[LINK_WORKERS].find({"locality": locality})]
        of = {"link_worker": "$view.link_worker", "practice": "$view.created.practice"}
        which = {"locality": locality, "view.open": True, "view.created": {"$ne": None}}
        steps = [{"$match": which}, {"$group": {"_id": of, "count": {"$sum": 1}}}]
        found = []
        async for row in mongo[REFERRALS].aggregate(steps):
            who, practice = row["_id"].get("link_worker"), row["_id"]["practice"]
            if on_list(who, practice, workers, owner.name if owner else None).in_overview:
                found.append(((who, practice), int(row["count"])))
        return found

    def _slugs(self, caller: Principal) -> list[str]:
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        return [place.slug for place in self.localities.real if caller.may_locality(place.slug)]


def _case(row: Row, owner: Owner | None) -> OverviewCase:
    view = row["view"]
    return OverviewCase(
        locality=row["locality"],
        referral_id=row["referral"],
        practice=view["created"]["practice"],
        stage=Stage(view["stage"]),
        created_at=view["created_at"],
        link_worker=view["link_worker"],
        owner=owner,
    )
