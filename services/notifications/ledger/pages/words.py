"""Labels of codes under the names that these pages use."""

from shared.contract import labels

TEMPLATES = labels.TEMPLATES
RECIPIENTS = labels.RECIPIENTS
REASONS = labels.NOT_SENT


def reason(code: str) -> tuple[str, str]:
    """What a code means, and what it is about."""
    return REASONS.get(code, (code.replace("_", " ").capitalize(), ""))
