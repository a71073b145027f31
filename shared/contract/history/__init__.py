"""A referral's story, folded from the set of its facts: what every part means by open, active and started."""

from shared.contract.history.fold import fold_referral
from shared.contract.history.model import Ending, Meeting, Prescription, ReferralHistory
from shared.contract.history.stage import Stage, stage_of

__all__ = ["Ending", "Meeting", "Prescription", "ReferralHistory", "Stage", "fold_referral", "stage_of"]
