"""Use cases of the services of a plan, by link workers and by services that sign in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.matching.calendar import london_day
from services.matching.command_runner import CommandRunner
from services.matching.directory.feed.model import Service
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.prescribing import commands
from services.matching.prescribing.inputs import Ending, FirstVisit, NoVisit, Prescribing, ServiceReply
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of
from shared.contract.events.topics import SourcePart

ANSWERS: Final = ("link_worker", "provider")


@dataclass
class PrescribingUseCases:
    """Changes of the services of a plan.

    `confirm_mailbox`: asks a prescribed service to confirm its mailbox.
    """

    runner: CommandRunner
    directory: Directory
    confirm_mailbox: Callable[[Service], Awaitable[bool]]

    async def prescribe(self, context: RequestContext, referral_id: str, prescribing: Prescribing) -> Done:
        """Adds a service to the plan. 409 `already_in_plan` if an earlier request is open."""
        row = await self.runner.case(context, {"referral": referral_id})
        service = (await self.directory.services([prescribing.service_id])).get(prescribing.service_id)
        if service is None or not await self.directory.offered(service.id, [row["locality"]]):
            raise problem_of(Refused("unknown_service"))
        if not service.offered:
            raise problem_of(Refused("not_offered"))
        done = await self.runner.run(
            context,
            row,
            "prescribe",
            (prescribing,),
            lambda: commands.prescribe(prescribing),
        )
        if not prescribing.signposted and not self.runner.localities.is_sandbox(row["locality"]):
            await self.confirm_mailbox(service)
        return done

    async def reply(self, context: RequestContext, prescription_id: str, said: ServiceReply) -> Done:
        """Records a service's answer, from the link worker who rang or from the service itself."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS)
        return await self.runner.run(
            context,
            row,
            "reply",
            (prescription_id, said),
            lambda: commands.reply(prescription_id, said, _part(context)),
        )

    async def started(self, context: RequestContext, prescription_id: str, visit: FirstVisit) -> Done:
        """Records the first visit, on that day (not in the future)."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS)
        return await self.runner.run(
            context,
            row,
            "started",
            (prescription_id, visit),
            lambda: commands.started(prescription_id, visit, _part(context)),
        )

    async def referred_on(self, context: RequestContext, prescription_id: str) -> date:
        """The London day on which the person agreed to be referred. No first visit is earlier."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS)
        view = await self.runner.kernel.view(row["locality"], row["referral"])
        if view is None or view.story.created is None:
            raise problem_of(Refused("unknown_case"))
        return london_day(view.story.created.agreement.at)

    async def not_started(self, context: RequestContext, prescription_id: str, visit: NoVisit) -> Done:
        """Records that the first visit did not happen, and the barrier."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS)
        return await self.runner.run(
            context,
            row,
            "not-started",
            (prescription_id, visit),
            lambda: commands.not_started(prescription_id, visit, _part(context)),
        )

    async def ended(self, context: RequestContext, prescription_id: str, ending: Ending) -> Done:
        """Records that the person no longer goes there, and why."""
        row = await self.runner.case(context, _prescription(prescription_id))
        return await self.runner.run(
            context,
            row,
            "ended",
            (prescription_id, ending),
            lambda: commands.ended(prescription_id, ending),
        )


def _part(context: RequestContext) -> SourcePart:
    """The part of the contract in whose name this caller acts."""
    return "directory" if context.caller.role == "provider" else "casework"


def _prescription(prescription_id: str) -> dict[str, Any]:
    return {"view.prescriptions.id": prescription_id}
