"""From sums to figures: pure functions, exact for those who manage, disclosure-safe for everybody else."""

from services.evaluation.figures.answering import Programme, Question, figures
from services.evaluation.figures.model import Figures, PlaceFigures
from services.evaluation.figures.periods import Calendar, Period
from services.evaluation.figures.tally import PROGRAMME

__all__ = ["PROGRAMME", "Calendar", "Figures", "Period", "PlaceFigures", "Programme", "Question", "figures"]
