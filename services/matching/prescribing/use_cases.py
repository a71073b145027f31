"""Actions on the services of a plan, by link workers and by services that sign in."""

from datetime import date
from typing import Any, Final

from services.matching.authorization import problem_of
from services.matching.calendar import london_day
from services.matching.command_runner import Asking
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.prescribing import commands as acts
from services.matching.provider.mailbox_use_cases import MailboxActions
from services.matching.referral_state.views import Done, ListingFault
from services.matching.request import Asked, Prescribing
from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.platform.web.problem import Problem

SAYS_PLACES: Final = ("link_worker", "programme_admin")
"""Who may say on a service's behalf that it has places again, beside the service itself."""
ANSWERS: Final = ("link_worker", "provider")


class ServiceActions(MailboxActions):
    """What is done about the services of a plan."""

    asking: Asking
    directory: Directory

    async def prescribe(
        self, asked: Asked, referral_id: str, prescribing: Prescribing, next_step: NextStep | None = None
    ) -> Done:
        """Adds a service to the plan. 409 `already_in_plan` where it is being asked already."""
        row = await self.asking.case(asked, {"referral": referral_id})
        service = (await self.directory.services([prescribing.service_id])).get(prescribing.service_id)
        if service is None or not await self.directory.offered(service.id, [row["locality"]]):
            raise problem_of(Refused("unknown_service"))
        if not service.offered:
            raise problem_of(Refused("not_offered"))
        done = await self.asking.do(
            asked,
            row,
            "prescribe",
            (prescribing, next_step),
            lambda: acts.prescribe(prescribing, next_step),
        )
        if not prescribing.signposted:
            await self.ask_to_confirm(service)
        return done

    async def reply(
        self,
        asked: Asked,
        prescription_id: str,
        reply: v.Reply,
        weeks: int | None = None,
        reason: v.NotSuitableReason | None = None,
    ) -> Done:
        """A service's answer, typed in by the link worker who rang them or said by the service itself."""
        row = await self.asking.case(asked, _prescription(prescription_id), ANSWERS)
        return await self.asking.do(
            asked,
            row,
            "reply",
            (prescription_id, reply, weeks, reason),
            lambda: acts.reply(prescription_id, reply, weeks, reason),
        )

    async def started(
        self,
        asked: Asked,
        prescription_id: str,
        on: date,
        accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN,
        next_step: NextStep | None = None,
    ) -> Done:
        """The first visit happened, on that day (not in the future)."""
        row = await self.asking.case(asked, _prescription(prescription_id), ANSWERS)
        return await self.asking.do(
            asked,
            row,
            "started",
            (prescription_id, on, accompanied_by, next_step),
            lambda: acts.started(prescription_id, on, accompanied_by, next_step),
        )

    async def referred_on(self, asked: Asked, prescription_id: str) -> date:
        """The London day on which the person agreed to be referred: no first visit was before it."""
        row = await self.asking.case(asked, _prescription(prescription_id), ANSWERS)
        view = await self.asking.kernel.view(row["locality"], row["referral"])
        if view is None or view.story.created is None:
            raise problem_of(Refused("unknown_case"))
        return london_day(view.story.created.agreement.at)

    async def not_started(
        self, asked: Asked, prescription_id: str, barrier: v.Barrier, next_step: NextStep | None = None
    ) -> Done:
        """The first visit did not happen; what stopped it."""
        row = await self.asking.case(asked, _prescription(prescription_id), ANSWERS)
        return await self.asking.do(
            asked,
            row,
            "not-started",
            (prescription_id, barrier, next_step),
            lambda: acts.not_started(prescription_id, barrier, next_step),
        )

    async def ended(
        self,
        asked: Asked,
        prescription_id: str,
        reason: v.EndReason,
        next_step: NextStep | None = None,
    ) -> Done:
        """The person no longer goes there, and why."""
        row = await self.asking.case(asked, _prescription(prescription_id))
        return await self.asking.do(
            asked,
            row,
            "ended",
            (prescription_id, reason, next_step),
            lambda: acts.ended(prescription_id, reason, next_step),
        )

    async def flag_listing(self, asked: Asked, service_id: str, wrong: ListingFault) -> None:
        """Somebody says that a directory entry is wrong; kept for the programme. 404: unknown service."""
        if asked.caller.role not in ("link_worker", "programme_admin", "referrer"):
            raise Problem(403, code="role", detail="Your role does not include this.")
        if not await self.directory.flag(service_id, wrong, asked.caller.subject):
            raise problem_of(Refused("unknown_service"))

    async def places(self, asked: Asked, service_id: str, *, free: bool) -> None:
        """A service has places again, as it told whoever asks; not `free`: that is taken back.

        It counts for 60 days or until the service answers otherwise. 404: unknown service, or one that is not
        offered in a locality of the caller's.
        """
        caller = asked.caller
        if caller.role not in SAYS_PLACES:
            raise Problem(403, code="role", detail="Your role does not include this.")
        if not (caller.may_locality("*") or await self.directory.offered(service_id, caller.localities)):
            raise problem_of(Refused("unknown_service"))
        if not free:
            await self.directory.places_taken_back(service_id)
        elif not await self.directory.places_free(service_id, asked.caller.subject):
            raise problem_of(Refused("unknown_service"))


def _prescription(prescription_id: str) -> dict[str, Any]:
    return {"view.prescriptions.id": prescription_id}
