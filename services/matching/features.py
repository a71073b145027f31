"""The running features, as pages and API find them on `app.state.features`."""

from dataclasses import dataclass
from datetime import datetime

from services.matching.booking.agenda_queries import AgendaQueries
from services.matching.booking.calendar_use_cases import CalendarUseCases
from services.matching.booking.queries import BookingQueries
from services.matching.booking.use_cases import BookingUseCases
from services.matching.casework.drafts import Drafts
from services.matching.casework.queries import CaseworkQueries
from services.matching.casework.team.queries import TeamQueries
from services.matching.casework.team.use_cases import TeamUseCases
from services.matching.casework.use_cases import CaseworkUseCases
from services.matching.directory.catalogue import Catalogues
from services.matching.directory.feed_use_cases import FeedUseCases
from services.matching.directory.queries import DirectoryQueries
from services.matching.directory.use_cases import DirectoryUseCases
from services.matching.prescribing.queries import PrescribingQueries
from services.matching.prescribing.use_cases import PrescribingUseCases
from services.matching.programme.desk.queries import DeskQueries
from services.matching.programme.desk.use_cases import SupervisionUseCases
from services.matching.programme.queries import ProgrammeQueries
from services.matching.provider.claims import ClaimQueries
from services.matching.provider.link_keeping import LinkKeeping
from services.matching.provider.mailbox_use_cases import MailboxUseCases
from services.matching.provider.queries import ProviderQueries
from services.matching.provider.use_cases import OneTapUseCases
from services.matching.referral_state.queries import ReferralQueries
from services.matching.roster.appointments import AppointmentUseCases
from services.matching.roster.queries import RosterQueries
from services.matching.roster.room_use_cases import RoomUseCases
from services.matching.roster.use_cases import RosterUseCases
from shared.platform.clock import Clock


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries, by feature. None of them changes anything."""

    referrals: ReferralQueries
    roster: RosterQueries
    booking: BookingQueries
    agenda: AgendaQueries
    casework: CaseworkQueries
    team: TeamQueries
    prescribing: PrescribingQueries
    directory: DirectoryQueries
    catalogues: Catalogues
    claims: ClaimQueries
    provider: ProviderQueries
    programme: ProgrammeQueries
    desk: DeskQueries
    clock: Clock

    def now(self) -> datetime:
        """The time by this service's clock, UTC."""
        return self.clock()


@dataclass(frozen=True, slots=True)
class Features:
    """Use cases, by feature.

    Each use case checks that the caller may touch the case (404 otherwise) and raises a `Problem` if the
    change makes no sense. It leaves an open case with a next step and a date: the one given, or the one that
    follows from the case. If none follows and none is given, it raises 422 `next_step_needed`.
    """

    roster: RosterUseCases
    appointments: AppointmentUseCases
    rooms: RoomUseCases
    booking: BookingUseCases
    calendar: CalendarUseCases
    casework: CaseworkUseCases
    team: TeamUseCases
    drafts: Drafts
    prescribing: PrescribingUseCases
    directory: DirectoryUseCases
    feeds: FeedUseCases
    provider: OneTapUseCases
    links: LinkKeeping
    mailboxes: MailboxUseCases
    supervision: SupervisionUseCases
    queries: Queries
