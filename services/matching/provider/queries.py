"""A one-tap link as the service sees it, and its state."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.matching.booking.diary import Diaries
from services.matching.calendar import day_start, london_day
from services.matching.casework.sharing import Sharing
from services.matching.clients.casework import CaseworkAway
from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from services.matching.directory.feed.sessions import next_sessions
from services.matching.directory.repository import Directory
from services.matching.directory.views import Sessions
from services.matching.provider.link_states import LinkState, LinkStates
from services.matching.provider.links import LinkAltered, LinkExpired, Links
from services.matching.provider.one_time_codes import Codes
from services.matching.provider.use_cases import (
    find_linked,
    linked_prescription,
    may_reveal,
    read_link,
)
from services.matching.provider.views import ServiceAsk
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import CaseShown
from services.matching.roster.repository import link_workers
from shared.contract.history import Prescription
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.platform.web.owners import Owners
from shared.platform.web.problem import Problem


@dataclass
class ProviderQueries:
    """Queries of one-tap links."""

    kernel: Kernel[ReferralState, Diaries]
    directory: Directory
    links: Links
    link_states: LinkStates
    codes: Codes
    sharing: Sharing
    owners: Owners

    async def ask(self, token: str) -> ServiceAsk:
        """The view of a service through its link. 404 `link_altered`, 410 `link_expired` or `link_ended`."""
        claims = await read_link(self.links, self.link_states, token)
        row = await find_linked(self.kernel.mongo, claims)
        view = await self.kernel.view(row["locality"], row["referral"])
        one = linked_prescription(view.story.prescriptions if view else (), claims)
        created = view.story.created if view else None
        if view is None or one is None or created is None:
            raise Problem(410, code="no_longer_asked", detail="This is no longer asked of you.")
        service = (await self.directory.services([claims.service_id])).get(claims.service_id)
        whose = view.story.link_worker or ""
        worker = (await link_workers(self.kernel.mongo, [whose])).get(whose)
        owner = self.owners.elsewhere("directory", row["locality"])
        shared = await self._shared(row, view, one) if owner is None else False
        return ServiceAsk(
            locality=row["locality"],
            referral_id=row["referral"],
            prescription_id=claims.prescription_id,
            service_id=claims.service_id,
            service=service.name if service else "",
            need=one.prescribed.need,
            age_band=created.age_band,
            area=created.outward_code,
            language=created.language,
            interpreter=created.interpreter,
            access_needs=created.access_needs if shared else (),
            answered=one.reply,
            weeks=one.weeks,
            not_suitable=one.not_suitable,
            started=one.started_on is not None,
            closed=not view.open,
            may_reveal=view.open and may_reveal(one, shared=shared),
            shared=shared,
            seen_at=await self.codes.shown_at(claims.locality, claims.prescription_id),
            link_worker=worker.name if worker else None,
            link_worker_telephone=worker.telephone if worker else None,
            expires_at=claims.expires_at,
            referred_on=london_day(created.agreement.at),
            places=(await self.directory.availability([service]))[service.id] if service else Availability(),
            sessions=_sessions(service, created.agreement.at, self.kernel.clock()),
            passed_on_to=owner.name if owner else None,
        )

    async def _shared(self, row: Row, view: ReferralState, one: Prescription) -> bool:
        """Tests whether the person agreed. Without an answer of casework's owner, nothing is shown."""
        try:
            return await self.sharing.agreed(row["locality"], row["referral"], view, one)
        except CaseworkAway:
            return False

    async def whom_to_ring(self, token: str) -> tuple[str, str] | None:
        """Name and number of a link's link worker, even if the link has ended or expired."""
        try:
            claims = self.links.read(token)
        except LinkExpired as expired:
            claims = expired.claims
        except LinkAltered:
            return None
        try:
            row = await find_linked(self.kernel.mongo, claims)
        except Problem:
            return None
        whose = row["view"]["link_worker"] or ""
        worker = (await link_workers(self.kernel.mongo, [whose])).get(whose)
        return (worker.name, worker.telephone) if worker else None

    async def link_state(self, case: CaseShown, prescription_id: str) -> LinkState:
        """The state of the links of one service of a case."""
        return await self.link_states.state(case.line.locality, prescription_id)


def _sessions(service: Service | None, since: datetime, now: datetime) -> Sessions:
    """The service's latest session since this moment, at most two weeks ago, and its next one."""
    if service is None:
        return Sessions()
    after = max(day_start(london_day(since)), now - timedelta(days=14))
    held = [each.starts_at for each in next_sessions(service.schedules, after, 60) if each.starts_at <= now]
    coming = next_sessions(service.schedules, now)
    return Sessions(held[-1] if held else None, coming[0].starts_at if coming else None)
