"""The history of a referral, folded from the set of its facts by sections, each with a version."""

from shared.contract.history.casework import CONTACT_ATTEMPTS, MEASURES, PLAN, SHARING, UNMET_NEEDS
from shared.contract.history.creation import CONTACT, CREATION, ENDINGS
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.fold import ALL_SECTIONS, fold_referral
from shared.contract.history.meetings import MEETINGS
from shared.contract.history.model import Ending, EventRef, Meeting, Prescription, ReferralHistory
from shared.contract.history.next_step import NEXT_STEP
from shared.contract.history.prescriptions import PRESCRIPTIONS
from shared.contract.history.section import Section, fold_version
from shared.contract.history.sources import ListedSources, SourceTable
from shared.contract.history.stage import STAGE, Stage, stage_of
from shared.contract.history.uncounted import Uncounted, uncounted

__all__ = [
    "ALL_SECTIONS",
    "CONTACT",
    "CONTACT_ATTEMPTS",
    "CREATION",
    "ENDINGS",
    "MEASURES",
    "MEETINGS",
    "NEXT_STEP",
    "PLAN",
    "PRESCRIPTIONS",
    "SHARING",
    "STAGE",
    "UNMET_NEEDS",
    "EffectiveFacts",
    "Ending",
    "EventRef",
    "ListedSources",
    "Meeting",
    "Prescription",
    "ReferralHistory",
    "Section",
    "SourceTable",
    "Stage",
    "Uncounted",
    "fold_referral",
    "fold_version",
    "stage_of",
    "uncounted",
]
