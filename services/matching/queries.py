"""Everything that is shown in matching. Nothing here changes anything, drafts apart.

Somebody else's case is a 404 Problem, like one that does not exist.
"""

from services.matching.asking import Asking
from services.matching.case_queries import CaseQueries
from services.matching.codes import Codes
from services.matching.directory import Directory
from services.matching.drafts import DraftQueries
from services.matching.link_states import LinkStates
from services.matching.links import Links
from services.matching.mailboxes import Mailboxes
from services.matching.outbound import Vault
from services.matching.plan_queries import PlanQueries
from services.matching.programme import ProgrammeQueries
from services.matching.service_queries import ServiceQueries


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
