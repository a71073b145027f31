"""What evaluation decides: nothing yet. It listens to everything and says nothing of its own.

Which follow-ups are due is not a decision but a sum over days (`follow_up`). Asking for one is the link
worker's next step, which matching keeps.
"""

from collections.abc import Callable, Mapping
from typing import Final

from services.evaluation.contributions.state import Evaluated
from shared.delivery.model.decision import Decision, DecisionContext

DECISIONS: Final[Mapping[str, Callable[[Evaluated, None, DecisionContext], Decision]]] = {}
