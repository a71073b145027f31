"""A referral's story, folded from the set of its facts: what every part means by open, active and started."""

from shared.contract.history.fold import tell
from shared.contract.history.model import Ending, Meeting, Prescription, Story
from shared.contract.history.stage import Stage, stage_of

__all__ = ["Ending", "Meeting", "Prescription", "Stage", "Story", "stage_of", "tell"]
