"""Labels of codes under the names that these pages use, and the grammar of short lists."""

from collections.abc import Iterable

from shared.contract import labels
from shared.contract.events import vocabulary as v

NEEDS = labels.NEEDS
SENSITIVE_NEEDS = labels.SENSITIVE_NEEDS
PLANNED_NEEDS: tuple[v.Need, ...] = tuple(need for need in v.Need if need in labels.KNOWN_NEEDS)
NEXT_STEPS = labels.NEXT_STEPS
PLAN_STEPS = labels.PLAN_NEXT_STEPS
CHANNELS = labels.CHANNELS
TRIED = labels.TRIED
BARRIERS = labels.BARRIERS
UNMET = labels.UNMET
ENDED = labels.ENDED
CLOSED = labels.CLOSED
DECLINED = labels.DECLINED
RETURNED = labels.RETURNED
NOT_SUITABLE = labels.NOT_SUITABLE
ACCOMPANIED = labels.ACCOMPANIED
AGREED = labels.AGREED
AGREED_ASKING = tuple(labels.AGREED_ASKED.items())
ACCESS = labels.ACCESS_NEEDS
WAITING = labels.WAITING
MODES = labels.MODES
ROUTES = labels.BY_ROUTES
STAGES = labels.STAGES
STAGE_COLOURS = labels.STAGE_COLOURS
PRESCRIPTIONS = labels.PRESCRIPTIONS
PRESCRIPTION_COLOURS = labels.PRESCRIPTION_COLOURS
LANGUAGES = labels.LANGUAGES
SAFE_TO_TEXT = labels.SAFE_TO_TEXT


def listed(words: Iterable[str], last: str = "and") -> str:
    """One, two and three."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def lower_first(text: str) -> str:
    """For the middle of a sentence. Abbreviations keep their capitals."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 meeting, 2 meetings."""
    return f"{count} {one if count == 1 else many or one + 's'}"
