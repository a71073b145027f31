"""Resources that every feature uses: kernel, vault, localities, audit and settings."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, cast

from fastapi import Depends, Request

from services.referral.identity.audits import Audits
from services.referral.identity.vault.persons import PersonVault
from services.referral.referral_state.state import ReferralState
from services.referral.settings import ReferralSettings
from shared.contract.api.casework import CaseLinkWorkers
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.clock import LONDON
from shared.platform.errors import NotOwner
from shared.platform.ids import NewId
from shared.platform.localities import Localities
from shared.platform.web.audit import Change
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.principal import Principal


def random_reference() -> str:
    """A reference that reveals nothing, not even its time."""
    return str(uuid.uuid4())


# Link workers and covering colleagues of a locality's referrals, as casework's owner has them.
LinkWorkersOf = Callable[[str, Sequence[str]], Awaitable[CaseLinkWorkers]]


@dataclass(frozen=True, slots=True)
class OpenCases:
    """Referrals that a link worker may open: their own, and colleagues' that they cover now."""

    own: frozenset[str] = frozenset()
    covered: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReferralContext:
    """Resources of the running service.

    Attributes:
        link_workers_of: asks casework's owner. Raises ServiceUnavailable.
        new_reference: makes opaque references of persons and notes.
    """

    kernel: Kernel[ReferralState, None]
    vault: PersonVault
    localities: Localities
    audits: Audits
    settings: ReferralSettings
    link_workers_of: LinkWorkersOf
    new_reference: NewId = random_reference

    @property
    def mongo(self) -> Mongo:
        """The service's database."""
        return self.kernel.mongo

    def speaks(self, locality: str) -> bool:
        """True if referral is ours in a locality, by what this process last read."""
        return self.kernel.decides(locality, "referral")

    def owner(self, locality: str) -> Owner | None:
        """The owner of referral in a locality; None if it is ours."""
        return Owners(self.localities, {}).elsewhere("referral", locality)

    def require_ours(self, locality: str) -> None:
        """Raises NotOwner if referral has another owner in the locality, or is being handed over.

        A command is fenced anyway. This keeps what is no command from changing, such as our vault.
        """
        if not self.speaks(locality):
            raise NotOwner(locality, "referral")

    def today(self) -> date:
        """The day in England."""
        return self.kernel.clock().astimezone(LONDON).date()

    def practice_name(self, code: str) -> str:
        """A practice's name for staff, or its code if it is not known."""
        practice = self.localities.practice(code)
        return practice.display_name if practice else code

    async def opened_by(self, caller: Principal, locality: str, referrals: Sequence[str]) -> OpenCases:
        """Those of these referrals that the caller, a link worker, may open. No event says who may read.

        Raises:
            ServiceUnavailable: casework's owner does not answer.
        """
        name = caller.link_worker
        if not referrals or name is None:
            return OpenCases()
        found = await self.link_workers_of(locality, referrals)
        return OpenCases(
            frozenset(each for each in referrals if found.link_workers.get(each) == name),
            frozenset(each for each in referrals if name in found.covering.get(each, ())),
        )

    def actor(self, caller: Principal, locality: str) -> str:
        """The caller as events of the locality name them."""
        return caller.actor(self.vault.index(locality).digest("actors", locality))

    def change(self, caller: Principal, action: str, locality: str, codes: Sequence[str] = ()) -> Change:
        """A change by this caller, for the audit and for events."""
        return Change(caller, action, self.actor(caller, locality), tuple(codes), locality)

    def idempotency(
        self, caller: Principal, route: str, key: str | None, locality: str, body: str
    ) -> Idempotency | None:
        """The key under which a request takes effect once, or None without a key.

        The database holds a keyed digest of `body`, not the body.
        """
        if not key:
            return None
        digest, *earlier = self.vault.index(locality).digests("request", body)
        return Idempotency(caller.subject, f"referral/{route}", key, digest, tuple(earlier))


def context_of(request: Request) -> ReferralContext:
    """The context of the application that serves this request."""
    return cast("ReferralContext", request.app.state.context)


Context = Annotated[ReferralContext, Depends(context_of)]
