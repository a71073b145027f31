"""A link worker's caseload and what needs them; plans for a person's own practice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.matching.authorization import LINK_WORKER, find_case, own_entry
from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.casework.case_list import by_day_and_time
from services.matching.casework.consents import recorded_consents, sharing_recorded, was_recorded
from services.matching.casework.plan_summary import summary_of
from services.matching.directory.catalogue import Catalogues
from services.matching.referral_state.queries import ReferralQueries, services_by_locality
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import CaseLine, NeedsYouLine
from services.matching.roster.colleagues import Colleague, colleagues_of
from services.matching.roster.covers import covering_now
from shared.contract.api.casework import CaseLinkWorkers, PlanSummary
from shared.contract.events.vocabulary import Agreement
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass
class CaseworkQueries:
    """Queries of a link worker's cases."""

    kernel: Kernel[ReferralState, Diaries]
    referrals: ReferralQueries
    catalogues: Catalogues

    async def needs_you(self, caller: Principal, limit: int = 200) -> list[NeedsYouLine]:
        """Reasons why cases need the caller, oldest first, each with a suggested action."""
        links = await self.referrals.links.alerting(caller.localities)
        told = [{"view.reasons.since": {"$lte": self.kernel.clock()}}, {"referral": {"$in": links}}]
        rows = await self._own(caller, {"$and": [{"$or": told}]})
        lines = await self.referrals.presenter(rows)
        found: list[NeedsYouLine] = []
        services = await self.catalogues.named(services_by_locality(rows))
        for row in rows:
            case = lines.case(row)
            asked = {p["id"]: p["service"] for p in row["view"]["prescriptions"]}
            for reason in case.reasons:
                service_id = asked.get(reason.about or "")
                service = services.get(service_id or "")
                name, telephone = (service.name, service.telephone) if service else (None, None)
                found.append(NeedsYouLine(case, reason, service_id, name, telephone))
        found.sort(key=lambda line: (line.reason.since, line.case.referral_id, line.reason.reason))
        return found[:limit]

    async def caseload(self, caller: Principal, include_ended: bool = False) -> list[CaseLine]:
        """The caller's open cases, the earliest next step first; with `include_ended`, ended ones last."""
        rows = await self._own(caller, {} if include_ended else {"view.open": True})
        lines = await self.referrals.presenter(rows)
        cases = [lines.case(row) for row in rows]
        return sorted(cases, key=by_day_and_time)

    async def colleagues(self, caller: Principal, referral_id: str) -> list[Colleague]:
        """Colleagues to whom the case can be handed over."""
        row = await find_case(
            self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER, self.kernel.clock()
        )
        self.referrals.owners.require_ours("casework", row["locality"])
        return await colleagues_of(
            self.kernel.mongo,
            row["locality"],
            row["view"]["created"]["practice"],
            row["view"]["link_worker"] or caller.link_worker,
            london_day(self.kernel.clock()),
        )

    async def link_workers(
        self, caller: Principal, locality: str, referrals: Sequence[str]
    ) -> CaseLinkWorkers:
        """The link workers of these referrals, and those who cover them now. 403 for a locality."""
        self._check_locality(caller, locality)
        which = {"locality": locality, "referral": {"$in": list(referrals)}}
        found = self.kernel.mongo[REFERRALS].find(which, {"referral": 1, "view.link_worker": 1})
        own = {row["referral"]: worker async for row in found if (worker := row["view"]["link_worker"])}
        covering = await covering_now(self.kernel.mongo, locality, referrals, self.kernel.clock())
        return CaseLinkWorkers(link_workers=own, covering=covering)

    async def agreed(self, caller: Principal, locality: str, referral: str, prescription: str) -> bool:
        """True if a yes to sharing with this service was recorded here and stands. 403 for a locality."""
        self._check_locality(caller, locality)
        view = await self.kernel.view(locality, referral)
        recorded = await recorded_consents(self.kernel.mongo, locality, referral)
        return view is not None and sharing_recorded(view, recorded, prescription)

    def _check_locality(self, caller: Principal, locality: str) -> None:
        if not caller.may_locality(locality) or locality not in self.kernel.localities:
            raise Problem(403, code="locality", detail="Your token does not cover this locality.")

    async def plan_summaries(
        self, caller: Principal, locality: str, referrals: Sequence[str], on_behalf_of: str
    ) -> dict[str, PlanSummary]:
        """The plans, by referral, that the person lets their GP see.

        Each is audited. 403 for a locality.
        """
        kernel = self.kernel
        self._check_locality(caller, locality)
        stories: dict[str, ReferralHistory] = {}
        for referral in dict.fromkeys(referrals):
            view = await kernel.view(locality, referral)
            recorded = await recorded_consents(kernel.mongo, locality, referral)
            if view is not None and was_recorded(view, recorded, Agreement.DETAILS_TO_GP):
                stories[referral] = view.story
        named = [one.prescribed.service_id for story in stories.values() for one in story.prescriptions]
        services = await self.catalogues.named({locality: named})
        told = {
            referral: summary
            for referral, story in stories.items()
            if (summary := summary_of(story, services)) is not None
        }
        reader = replace(caller, subject=f"{caller.subject} for {on_behalf_of}")
        await kernel.audit.reads(reader, "read_plan", told, "plan", locality)
        return told

    async def _own(self, caller: Principal, which: dict[str, Any]) -> list[Row]:
        """The caller's cases, and those without a link worker at the caller's practices."""
        worker = await own_entry(self.kernel.mongo, caller)
        if worker is None:
            raise Problem(403, code="role", detail="Your role does not include this.")
        self.referrals.owners.require_ours("casework", worker.locality)
        nobodys = {"view.link_worker": None, "view.created.practice": {"$in": sorted(worker.practices)}}
        return await self.referrals.rows(
            {**which, "locality": worker.locality, "$or": [{"view.link_worker": worker.id}, nobodys]}
        )
