"""Empties the vault of whom a new event says to be erased, in the transaction that stores the event."""

from collections import defaultdict
from collections.abc import Sequence

from services.referral.identity.erasure import delete_person
from services.referral.identity.vault.entries import entries
from services.referral.referral_state.state import ReferralState
from shared.contract.events.outcomes import PersonErased
from shared.contract.events.topics import partner_source
from shared.delivery.model.service_definition import Changed, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.platform.clock import Clock
from shared.platform.localities import Localities
from shared.platform.web.owners import Owners

BY_LOG = "log"


class ErasuresHeard(NoRepository):
    """The vault beside the referrals' documents. Decisions rest on nothing of it."""

    def __init__(self, localities: Localities, clock: Clock) -> None:
        self._localities = localities
        self._clock = clock

    async def save(self, tx: Transaction, changes: Sequence[Changed[ReferralState]], resources: None) -> None:
        """Erases the people of referrals that a new fact of this transaction says to be erased."""
        erased: dict[str, list[str]] = defaultdict(list)
        for change in changes:
            if self._is_erased(change):
                erased[change.locality].append(change.referral_id)
        for locality, referrals in erased.items():
            held = await entries(tx, locality, referrals)
            for person in sorted({entry.person for entry in held.values()}):
                await delete_person(tx, locality, person, self._clock(), BY_LOG, told=referrals)

    def _is_erased(self, change: Changed[ReferralState]) -> bool:
        """True if a new fact says so that counts, or is of referral's owner, whom the vault obeys too."""
        sources = [fact.source for fact in change.new_facts if isinstance(fact.body, PersonErased)]
        if not sources or change.after.story.erased:
            return bool(sources)
        owner = Owners(self._localities, {}).elsewhere("referral", change.locality)
        return owner is not None and partner_source(change.locality, owner.name) in sources
