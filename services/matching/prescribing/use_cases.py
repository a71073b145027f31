"""Use cases of the services of a plan, by link workers and by services that sign in."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.matching.calendar import london_day
from services.matching.clients.directory import DirectoryAway
from services.matching.command_runner import CommandRunner
from services.matching.directory.catalogue import Catalogues
from services.matching.errors import Refused
from services.matching.prescribing import commands
from services.matching.prescribing.inputs import Ending, FirstVisit, NoVisit, Prescribing, ServiceReply
from services.matching.prescribing.queries import directory_away
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of
from shared.contract.events.topics import SourcePart

ANSWERS: Final = ("link_worker", "provider")


@dataclass
class PrescribingUseCases:
    """Changes of the services of a plan, from our own directory or its owner's."""

    runner: CommandRunner
    catalogues: Catalogues

    async def prescribe(self, context: RequestContext, referral_id: str, prescribing: Prescribing) -> Done:
        """Adds a service to the plan. 409 `already_in_plan` if an earlier request is open.

        503 `directory_away` if directory's owner does not answer.
        """
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        catalogue = self.catalogues.of(row["locality"])
        try:
            service = await catalogue.choice(row["locality"], prescribing.service_id)
        except DirectoryAway:
            raise directory_away() from None
        if service is None:
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
            await catalogue.ask_mailbox(row["locality"], service)
        return done

    async def reply(self, context: RequestContext, prescription_id: str, said: ServiceReply) -> Done:
        """Records a service's answer, from the link worker who rang or from the service itself."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS, part=_part(context))
        return await self.runner.run(
            context,
            row,
            "reply",
            (prescription_id, said),
            lambda: commands.reply(prescription_id, said, _part(context)),
        )

    async def started(self, context: RequestContext, prescription_id: str, visit: FirstVisit) -> Done:
        """Records the first visit, on that day (not in the future)."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS, part=_part(context))
        return await self.runner.run(
            context,
            row,
            "started",
            (prescription_id, visit),
            lambda: commands.started(prescription_id, visit, _part(context)),
        )

    async def referred_on(self, context: RequestContext, prescription_id: str) -> date:
        """The London day on which the person agreed to be referred. No first visit is earlier."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS, part=_part(context))
        view = await self.runner.kernel.view(row["locality"], row["referral"])
        if view is None or view.story.created is None:
            raise problem_of(Refused("unknown_case"))
        return london_day(view.story.created.agreement.at)

    async def not_started(self, context: RequestContext, prescription_id: str, visit: NoVisit) -> Done:
        """Records that the first visit did not happen, and the barrier."""
        row = await self.runner.case(context, _prescription(prescription_id), ANSWERS, part=_part(context))
        return await self.runner.run(
            context,
            row,
            "not-started",
            (prescription_id, visit),
            lambda: commands.not_started(prescription_id, visit, _part(context)),
        )

    async def ended(self, context: RequestContext, prescription_id: str, ending: Ending) -> Done:
        """Records that the person no longer goes there, and why."""
        row = await self.runner.case(context, _prescription(prescription_id), part="casework")
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
