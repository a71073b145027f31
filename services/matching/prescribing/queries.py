"""Services ranked for a person and a need."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache

from services.matching.authorization import LINK_WORKER, find_case
from services.matching.booking.diary import Diaries
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.directory.feed.model import Service
from services.matching.directory.ranking import Person, Position, RankedService, rank
from services.matching.directory.repository import Directory
from services.matching.referral_state.state import ReferralState
from shared.contract.events import vocabulary as v
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.platform.localities import postcodes
from shared.platform.web.principal import Principal


@dataclass
class PrescribingQueries:
    """Queries for the choice of a service. `mailable`: ids of services that may be asked by mail."""

    kernel: Kernel[ReferralState, Diaries]
    vault: Vault
    directory: Directory
    mailable: Callable[[Sequence[Service]], Awaitable[Collection[str]]]

    async def ranked_services(
        self, caller: Principal, referral_id: str, need: v.Need, limit: int = 10
    ) -> list[RankedService]:
        """Services for this need with reasons, best first; near misses last, with reasons against.

        The full postcode comes from the vault and is not stored. If the vault does not answer, distances are
        from the middle of the outward code.
        """
        row = await find_case(self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        created = row["view"]["created"]
        at, sensitive = await self._from_the_vault(caller, row, need)
        person = Person(
            need=need,
            age_band=v.AgeBand(created["age_band"]),
            at=at or middle_of(created.get("outward_code")),
            step_free=v.AccessNeed.STEP_FREE.value in created["access_needs"],
            language=created["language"],
            sensitive=sensitive,
        )
        services = await self.directory.for_need(need, sorted(sensitive), [row["locality"]])
        told = await self.directory.told([service.id for service in services])
        mailable = await self.mailable(services)
        return rank(services, person, self.kernel.clock(), told, limit, mailable)

    async def _from_the_vault(
        self, caller: Principal, row: Row, need: v.Need
    ) -> tuple[Position | None, frozenset[v.SensitiveNeed]]:
        fields = ["postcode", "sensitive_needs"] if need is v.Need.SENSITIVE else ["postcode"]
        try:
            people = await self.vault.people(
                row["locality"], [row["referral"]], fields, "directory", caller.subject
            )
        except (VaultAway, NotInVault):
            return None, frozenset()
        person = people.get(row["referral"], {})
        place = postcodes.lookup(str(person.get("postcode") or ""))
        told = person.get("sensitive_needs") or ()
        return place.position if place else None, frozenset(v.SensitiveNeed(each) for each in told)


@cache
def middle_of(outward: str | None) -> Position | None:
    """The middle of all postcodes with this outward code; None for an unknown area."""
    there = [place for place in postcodes.places() if place.outward == outward] if outward else []
    if not there:
        return None
    return sum(p.lat for p in there) / len(there), sum(p.lon for p in there) / len(there)
