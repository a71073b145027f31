"""The load of a link worker: weighted open cases against about 40, and people a year. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.platform.clock import london_day

# Numbers that the field works with: open cases at a time, and people a year, for full time.
OPEN_CASES: Final = 40
PEOPLE_A_YEAR: Final = (200, 250)

# In tenths, so that sums are whole numbers.
_STAGES: Final[Mapping[str, int]] = MappingProxyType(
    {
        Stage.WAITING.value: 5,
        Stage.BOOKED.value: 10,
        Stage.MISSED.value: 10,
        Stage.MET.value: 10,
        Stage.PRESCRIBED.value: 10,
        Stage.STARTED.value: 5,
    }
)
_MORE: Final = 5


def weight(view: Mapping[str, Any]) -> int:
    """The weight of an open case in tenths, from its stored view.

    Half a case more each for a home visit, an interpreter, and a risk to be read before a meeting.
    """
    created = view["created"]
    more = (
        v.AccessNeed.HOME_VISIT.value in created["access_needs"],
        bool(created["interpreter"]),
        bool(created["risk"] == v.Risk.SEE_NOTE.value),
    )
    return _STAGES.get(str(view["stage"]), 10) + _MORE * sum(more)


def load(views: Iterable[Mapping[str, Any]]) -> float:
    """The weighted number of these open cases."""
    return sum(weight(view) for view in views) / 10


def days_since_contact(views: Iterable[Mapping[str, Any]], today: date) -> list[int]:
    """Days since the last contact of each case, or since its referral where there was none, ascending."""
    return sorted((today - london_day(_last(view))).days for view in views)


def percentile(values: Sequence[int], share: int) -> int | None:
    """The value below or at which this share (in percent) of the ascending values lies; None for none."""
    if not values:
        return None
    rank = -(-share * len(values) // 100)
    return values[max(rank, 1) - 1]


def _last(view: Mapping[str, Any]) -> datetime:
    last: datetime = view.get("last_contact") or view["created_at"]
    return last
