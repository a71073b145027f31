"""Services ranked for a person and a need."""

from dataclasses import dataclass
from functools import cache

from services.matching.authorization import LINK_WORKER, find_case
from services.matching.booking.diary import Diaries
from services.matching.clients.directory import DirectoryAway
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.directory.catalogue import Catalogues
from services.matching.directory.ranking import Person, Position, RankedService, rank
from services.matching.referral_state.state import ReferralState
from shared.contract.events import vocabulary as v
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.platform.localities import postcodes
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass
class PrescribingQueries:
    """Queries for the choice of a service, in our own directory or at its owner."""

    kernel: Kernel[ReferralState, Diaries]
    vault: Vault
    catalogues: Catalogues

    async def ranked_services(
        self, caller: Principal, referral_id: str, need: v.Need, limit: int = 10
    ) -> list[RankedService]:
        """Services for this need with reasons, best first; near misses last, with reasons against.

        The full postcode comes from the vault and is not stored. If the vault does not answer, distances are
        from the middle of the outward code. 503 `directory_away` if directory's owner does not answer, 409
        `not_owner` if casework has another owner.
        """
        row = await find_case(
            self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER, self.kernel.clock()
        )
        self.catalogues.owners.require_ours("casework", row["locality"])
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
        catalogue = self.catalogues.of(row["locality"])
        try:
            found = await catalogue.find(row["locality"], need, sensitive, person.at)
        except DirectoryAway:
            raise directory_away() from None
        places = {one.service.id: one.availability for one in found}
        mailable = [one.service.id for one in found if one.mailable]
        services = [one.service for one in found]
        return rank(services, person, self.kernel.clock(), places, limit, mailable)

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


def directory_away() -> Problem:
    """The refusal while directory's owner does not answer: nothing was changed."""
    detail = "The directory of services does not answer just now. Try again in a minute."
    return Problem(503, code="directory_away", detail=detail)


@cache
def middle_of(outward: str | None) -> Position | None:
    """The middle of all postcodes with this outward code; None for an unknown area."""
    there = [place for place in postcodes.places() if place.outward == outward] if outward else []
    if not there:
        return None
    return sum(p.lat for p in there) / len(there), sum(p.lon for p in there) / len(there)
