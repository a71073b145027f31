"""Labels of codes under the names that the figures use."""

from typing import Final

from shared.contract import labels

STEPS = labels.STEPS
WAITS = labels.WAITS
LEAD_TIMES = labels.LEAD_TIMES
NEEDS = labels.NEEDS
UNMET_REASONS = labels.UNMET
ROUTES = labels.ROUTES
BARRIERS = labels.BARRIERS
ANSWERS = labels.ANSWERS
ITEMS = labels.ITEMS
PROGRAMME: Final = "The whole programme"
