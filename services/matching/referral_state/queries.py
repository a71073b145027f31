"""Queries of one referral for every feature: the case, the person's details and the texts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from services.matching.authorization import LINK_WORKER, find_case
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.directory.catalogue import Catalogues
from services.matching.errors import Refused
from services.matching.referral_state.presenter import CasePresenter, EndedLink, history, prescriptions
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import CaseLine, CaseShown, MeetingShown
from services.matching.roster.repository import link_workers
from services.matching.web.refusals import problem_of
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities
from shared.platform.web.owners import Owners
from shared.platform.web.principal import Principal

if TYPE_CHECKING:
    from services.matching.booking.diary import Diaries


class LinkAlerts(Protocol):
    """The ended one-tap links that a case shows."""

    async def ended(self, referrals: Sequence[str]) -> Mapping[str, EndedLink]:
        """The ended links of these referrals, by prescription."""
        ...

    async def alerting(self, localities: Collection[str]) -> list[str]:
        """The referrals of these localities with a link whose end the link worker has not seen."""
        ...


@dataclass
class ReferralQueries:
    """Queries of one case. A case of another caseload is a 404, like one that does not exist."""

    kernel: "Kernel[ReferralState, Diaries]"
    localities: Localities
    owners: Owners
    vault: Vault
    catalogues: Catalogues
    links: LinkAlerts

    async def case(self, caller: Principal, referral_id: str) -> CaseShown:
        """History, meetings, plan and facts of a case. Audited as a read of a person's case.

        409 `not_owner` if casework has another owner in the locality: the case is worked on there.
        """
        return await self._case(caller, {"referral": referral_id})

    async def case_of_meeting(self, caller: Principal, meeting_id: str) -> CaseShown:
        """The case of a meeting."""
        return await self._case(caller, {"view.meetings.id": meeting_id})

    async def people(
        self, caller: Principal, cases: Sequence[CaseLine | MeetingShown], fields: Sequence[str], purpose: str
    ) -> dict[str, dict[str, Any]]:
        """Details of the people in these cases, by referral id, from the vault, audited there.

        Missing and erased people are left out. Empty if the vault does not answer in time.
        """
        by_locality: dict[str, list[str]] = {}
        for case in cases:
            by_locality.setdefault(case.locality, []).append(case.referral_id)
        found: dict[str, dict[str, Any]] = {}
        for locality, referrals in by_locality.items():
            try:
                people = await self.vault.people(locality, referrals, fields, purpose, caller.subject)
            except (VaultAway, NotInVault):
                continue  # the pages report that names cannot be shown just now
            found |= {referral: dict(person) for referral, person in people.items()}
        return found

    async def notes(self, caller: Principal, referral_id: str, notes: Sequence[str]) -> dict[str, str]:
        """The texts of these notes by id, from the vault; left out if it does not answer."""
        row = await find_case(
            self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER, self.kernel.clock()
        )
        try:
            return await self.vault.notes(row["locality"], referral_id, notes, caller.subject)
        except (VaultAway, NotInVault):
            return {}

    async def _case(self, caller: Principal, which: dict[str, Any]) -> CaseShown:
        kernel = self.kernel
        row = await find_case(kernel.mongo, caller, which, LINK_WORKER, kernel.clock())
        self.owners.require_ours("casework", row["locality"])
        whose = row["view"]["link_worker"]
        purpose = "caseload" if whose in (None, caller.link_worker) else "cover"
        await kernel.audit.reads(caller, "read_case", [row["referral"]], purpose, row["locality"])
        view = await kernel.view(row["locality"], row["referral"])
        if view is None:
            raise problem_of(Refused("unknown_case"))
        earlier = await self.rows(
            {
                "locality": row["locality"],
                "view.created.person_ref": row["view"]["created"]["person_ref"],
                "_id": {"$ne": row["_id"]},
            }
        )
        lines = await self.presenter([row, *earlier])
        services = await self.catalogues.named(services_by_locality([row]))
        others = [lines.case(each) for each in earlier]
        return CaseShown(
            line=lines.case(row),
            story=view.story,
            meetings=tuple(lines.meeting(row, meeting) for meeting in row["view"]["meetings"]),
            prescriptions=prescriptions(view, services, self.owners.elsewhere("directory", row["locality"])),
            history=history(view, row["locality"], self.owners.ours(row["locality"])),
            earlier=tuple(sorted(others, key=lambda case: case.created_at, reverse=True)),
        )

    async def rows(self, which: dict[str, Any]) -> list[Row]:
        """The stored referrals that match, with their views and without their facts."""
        # The facts are not needed for a line, and there may be many.
        wanted = {**which, "view.created": which.get("view.created", {"$ne": None})}
        found = self.kernel.mongo[REFERRALS].find(wanted, {"locality": 1, "referral": 1, "view": 1})
        return [row async for row in found]

    async def presenter(self, rows: Sequence[Row]) -> CasePresenter:
        """The presenter of these rows, with their link workers and ended links."""
        # Links are directory's: where it has another owner, ours say nothing any more.
        ours = [row["referral"] for row in rows if not self.owners.elsewhere("directory", row["locality"])]
        ended = await self.links.ended(ours)
        names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
        workers = await link_workers(self.kernel.mongo, names)
        return CasePresenter(self.localities, workers, self.kernel.clock(), ended)


def services_by_locality(rows: Iterable[Row]) -> dict[str, list[str]]:
    """The services of these cases' plans, by locality."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for one in row["view"]["prescriptions"]:
            found.setdefault(row["locality"], []).append(one["service"])
    return found
