"""Everything that is shown in matching. Nothing here changes anything, drafts apart.

Somebody else's case is a 404 Problem, like one that does not exist.
"""

from services.matching.casework.drafts import DraftQueries
from services.matching.casework.plan_queries import PlanQueries
from services.matching.casework.queries import CaseQueries
from services.matching.clients.vault import Vault
from services.matching.command_runner import Asking
from services.matching.directory.queries import ServiceQueries
from services.matching.directory.repository import Directory
from services.matching.programme.queries import ProgrammeQueries
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import Codes


class Queries(CaseQueries, ServiceQueries, DraftQueries, ProgrammeQueries, PlanQueries):
    """What link workers, practice staff, the programme and services see."""

    def __init__(
        self,
        asking: Asking,
        vault: Vault,
        directory: Directory,
        links: Links,
        link_states: LinkStates,
        codes: Codes,
        mailboxes: Mailboxes,
    ) -> None:
        self.asking = asking
        self.vault = vault
        self.directory = directory
        self.links = links
        self.link_states = link_states
        self.codes = codes
        self.mailboxes = mailboxes
