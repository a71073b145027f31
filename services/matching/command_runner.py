"""Runs a command: finds the case, decides in one transaction, presents the outcome."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.matching.authorization import LINK_WORKER, OTHER_PARTS, Filter, find_case
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command
from services.matching.referral_state.presenter import CasePresenter, fact_line
from services.matching.referral_state.state import ReferralState, to_document
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.roster.repository import link_workers
from services.matching.web.refusals import refusing
from shared.contract.events.fact import Fact
from shared.contract.events.topics import SourcePart
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.commands import Idempotency, Within
from shared.platform.errors import NotOwner
from shared.platform.key_ring import KeyRing
from shared.platform.localities import Localities
from shared.platform.web.audit import Change
from shared.platform.web.not_owner import refusal_of
from shared.platform.web.owners import Owners

if TYPE_CHECKING:
    from services.matching.booking.diary import Diaries


@dataclass(frozen=True)
class CommandRunner:
    """Runs commands on cases. `keys` digest requests and actors, so that no plain hash is stored."""

    kernel: "Kernel[ReferralState, Diaries]"
    localities: Localities
    owners: Owners
    keys: KeyRing = field(repr=False)

    async def case(
        self,
        context: RequestContext,
        which: Filter,
        roles: Collection[str] = LINK_WORKER,
        *,
        part: SourcePart | None = None,
    ) -> Row:
        """The case of a request. `part`: the part that the request changes.

        Raises:
            Problem: 403, 404, or 409 `not_owner` if the part has another owner in the case's locality.
        """
        if context.locality is not None:
            which, roles = {**which, "locality": context.locality}, OTHER_PARTS
        row = await find_case(self.kernel.mongo, context.caller, which, roles, self.kernel.clock())
        if part is not None:
            self.owners.require_ours(part, row["locality"])
        return row

    async def run(
        self,
        context: RequestContext,
        row: Mapping[str, Any],
        route: str,
        arguments: Sequence[Any],
        act: Callable[[], Command],
        *,
        within: Within | None = None,
        fresh_step: bool = False,
    ) -> Done:
        """Runs a command on this case, once for the same key.

        `fresh_step`: a next step whose day has passed is not enough.

        Raises:
            Problem: the command is refused.
        """
        now = self.kernel.clock()

        def answer(view: ReferralState, facts: Sequence[Fact]) -> Mapping[str, Any]:
            if view.open and (view.step is None or (fresh_step and view.step.on < london_day(now))):
                raise Refused("next_step_needed")
            return {"said": [fact.id for fact in facts]}

        try:
            async with refusing():
                done = await self.kernel.command(
                    row["locality"],
                    row["referral"],
                    act(),
                    within=within,
                    idempotency=self._idempotency(context, route, (row["referral"], *arguments)),
                    answer=answer,
                    change=self.change(context, route),
                )
        except NotOwner as other:  # A form shows a refusal beside what was typed.
            raise refusal_of(self.localities, other) from other
        return await self._shown(row, done.view, set(done.reply.get("said", ())), done.replayed)

    def change(self, context: RequestContext, action: str) -> Change:
        """The change that a command of this name makes, for its audit entry and its events."""
        code, actor = action.replace("-", "_"), context.caller.actor(self.keys.newest.secret)
        return Change(context.caller, code, actor, locality=context.locality or "")

    async def _shown(
        self, row: Mapping[str, Any], view: ReferralState, said: set[str], replayed: bool
    ) -> Done:
        stored = {"locality": row["locality"], "referral": row["referral"], "view": to_document(view)}
        workers = await link_workers(
            self.kernel.mongo, {meeting["link_worker"] for meeting in stored["view"]["meetings"]}
        )
        ours = self.owners.ours(row["locality"])
        return Done(
            locality=row["locality"],
            referral_id=row["referral"],
            case=CasePresenter(self.localities, workers, self.kernel.clock()).case(stored),
            said=tuple(
                fact_line(f, view.retracted, row["locality"], view.story, ours)
                for f in view.facts
                if f.id in said
            ),
            replayed=replayed,
        )

    def _idempotency(
        self, context: RequestContext, route: str, arguments: Sequence[Any]
    ) -> Idempotency | None:
        if context.key is None:
            return None
        macs = self.keys.macs(repr(tuple(arguments)).encode(), "blake2b")
        digest, *earlier = [mac[:16] for mac in macs]
        return Idempotency(context.caller.subject, route, context.key, digest, tuple(earlier))
