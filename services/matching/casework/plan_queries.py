"""What the referral service is told of plans, for a person's own practice."""

from collections.abc import Sequence
from dataclasses import replace

from services.matching.casework.plan_summary import PlanSummary, summary_of
from services.matching.command_runner import Asking
from services.matching.directory.repository import Directory
from shared.contract.history import ReferralHistory
from shared.platform.web.audit import audit
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem


class PlanQueries:
    """What is shown of plans outside this service."""

    asking: Asking
    directory: Directory

    async def plan_summaries(
        self, caller: Principal, locality: str, referrals: Sequence[str], on_behalf_of: str
    ) -> dict[str, PlanSummary]:
        """The plans by referral that the person said their GP may see, each audited. 403 for a locality."""
        kernel = self.asking.kernel
        if not caller.may_locality(locality) or locality not in kernel.localities:
            raise Problem(403, code="locality", detail="Your token does not cover this locality.")
        stories: dict[str, ReferralHistory] = {}
        for referral in dict.fromkeys(referrals):
            view = await kernel.view(locality, referral)
            if view is not None:
                stories[referral] = view.story
        services = await self.directory.services(
            [one.prescribed.service_id for story in stories.values() for one in story.prescriptions]
        )
        told = {
            referral: summary
            for referral, story in stories.items()
            if (summary := summary_of(story, services)) is not None
        }
        reader = replace(caller, subject=f"{caller.subject} for {on_behalf_of}")
        for referral in told:
            await audit(reader, "read_plan", referral, "plan", clock=kernel.clock)
        return told
