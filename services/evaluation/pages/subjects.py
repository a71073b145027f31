"""The subjects of the page, in reading order."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.pages import meetings, needs, progress, questionnaires
from services.evaluation.pages.sections import Subject

SUBJECTS: Final[Sequence[Subject]] = (
    progress.JOURNEY,
    needs.UNMET,
    progress.WAITS,
    meetings.MISSED,
    progress.FIRST_VISITS,
    questionnaires.WELLBEING,
    needs.ASKED_FOR,
    meetings.ROUTES,
)
