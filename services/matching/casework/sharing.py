"""The person's yes to sharing with a service: from our own store, or asked of casework's owner elsewhere."""

from dataclasses import dataclass

from services.matching.booking.diary import Diaries
from services.matching.casework.consents import recorded_consents, sharing_recorded
from services.matching.clients.casework import CaseworkClient
from services.matching.referral_state.state import ReferralState
from shared.contract.events import vocabulary as v
from shared.contract.history import Prescription
from shared.delivery.kernel import Kernel
from shared.platform.web.owners import Owners


@dataclass
class Sharing:
    """Answers of people about sharing name and contact. The bus alone discloses nothing."""

    kernel: Kernel[ReferralState, Diaries]
    owners: Owners
    client: CaseworkClient

    async def agreed(self, locality: str, referral: str, view: ReferralState, one: Prescription) -> bool:
        """True if casework's owner recorded the person's yes, and no fact says no.

        Raises:
            CaseworkAway: casework's owner does not answer.
        """
        if one.may_share is v.Agreed.NO:
            return False
        prescription = one.prescribed.prescription_id
        if self.owners.elsewhere("casework", locality) is not None:
            # A yes on the bus counts from our own casework alone (F15), so only the owner can tell.
            return await self.client.agreed(locality, referral, prescription)
        recorded = await recorded_consents(self.kernel.mongo, locality, referral)
        return sharing_recorded(view, recorded, prescription)
