"""Statistics of a series of measured times."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

SHARES: Final = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not exceed. The values are sorted."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def summary(seconds: Sequence[float], unanswered: int = 0) -> dict[str, Any]:
    """Milliseconds: p50, p99, p99.9 and the longest. An unanswered request counts as longer than all others.

    A percentile is None where it falls among the unanswered, and where too few were measured to have one
    beyond it: p99 asks for 100, p99.9 for 1,000.
    """
    ordered = [*sorted(seconds), *[math.inf] * unanswered]
    said: dict[str, Any] = {"count": len(ordered), "unanswered": unanswered}
    for name, share in SHARES.items():
        enough = round((1 - share) * len(ordered), 6) >= 1
        value = percentile(ordered, share) if enough else math.inf
        said[name] = None if math.isinf(value) else 1000 * value
    said["longest"] = 1000 * max(seconds) if seconds else None
    return said


def short(said: Mapping[str, Any]) -> str:
    """A summary in a few words, printed during the run."""
    known = [f"{name} {said[name]:.0f} ms" for name in SHARES if said[name] is not None]
    return ", ".join([*known, f"{said['unanswered']} of {said['count']} unanswered"])
