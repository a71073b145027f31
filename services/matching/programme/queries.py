"""Exact counts of each locality for the programme team, without names."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.matching.authorization import within_localities
from services.matching.booking.diary import Diaries
from services.matching.programme.views import LocalityNow, UnmetCount
from services.matching.referral_state.state import ReferralState
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.kernel import Kernel
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

LEDGER: Final = timedelta(days=365)


@dataclass
class ProgrammeQueries:
    """Queries of the localities for the programme team."""

    kernel: Kernel[ReferralState, Diaries]
    localities: Localities

    async def programme(self, caller: Principal) -> list[LocalityNow]:
        """Exact counts of the caller's localities, for programme_admin. No names, and no sandbox."""
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        slugs = [place.slug for place in self.localities.real if caller.may_locality(place.slug)]
        return [await self._now(caller, slug) for slug in slugs]

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
        )
