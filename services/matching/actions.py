"""Everything that a person can do in matching. Pages and API go through here and nowhere else.

Each action checks that the caller may touch the case (404 otherwise), is refused with a `Problem` where it
makes no sense, and leaves an open case with a next step and a date: the one given, or the one that follows
from the case (booked: meet on the day; asked: wait for the service 7 days; accepted: check the first visit 14
days later). Where none follows and none is given: 422, code `next_step_needed`.
"""

from services.matching.casework.use_cases import CaseActions
from services.matching.clients.vault import Mailer, Vault
from services.matching.command_runner import Asking
from services.matching.directory.repository import Directory
from services.matching.prescribing.use_cases import ServiceActions
from services.matching.programme.use_cases import ProgrammeActions
from services.matching.provider.link_keeping import LinkKeeping
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import Codes
from services.matching.provider.use_cases import LinkActions


class Actions(ProgrammeActions, CaseActions, ServiceActions, LinkActions, LinkKeeping):
    """What link workers, practice staff, services and the programme do."""

    def __init__(
        self,
        asking: Asking,
        vault: Vault,
        directory: Directory,
        links: Links,
        link_states: LinkStates,
        codes: Codes,
        mailer: Mailer,
        mailboxes: Mailboxes,
    ) -> None:
        self.asking = asking
        self.vault = vault
        self.directory = directory
        self.links = links
        self.link_states = link_states
        self.codes = codes
        self.mailer = mailer
        self.mailboxes = mailboxes
