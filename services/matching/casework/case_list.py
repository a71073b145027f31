"""Filter and order of a caseload, and the pages of its lists. Pure."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from services.matching.referral_state.views import CaseLine
from shared.contract.events.vocabulary import NextStepCode
from shared.contract.history import Stage
from shared.platform.web.lists import WAITING_DAYS, ListChoice, ListShape

NEXT, MADE, STAGE = "next", "made", "stage"
# Cases with a link worker, and those of a practice that have none yet.
MINE, NOBODYS = "mine", "nobodys"
OPEN_STAGES: Final = (
    Stage.WAITING,
    Stage.BOOKED,
    Stage.MISSED,
    Stage.MET,
    Stage.PRESCRIBED,
    Stage.STARTED,
)
CASELOAD: Final = ListShape(
    "caseload",
    {
        "stage": [stage.value for stage in OPEN_STAGES],
        "whose": [MINE, NOBODYS],
        "waiting": [str(days) for days in WAITING_DAYS],
    },
    (NEXT, MADE, STAGE),
)


def by_day_and_time(case: CaseLine) -> tuple[bool, date, datetime, datetime]:
    """The order of a caseload: open first, by the day of the next step, then by the time of its meeting.

    A case without a next step comes before all others. A step that has no time comes after the day's times.
    """
    day = case.step.on if case.step else date.min
    meets = case.active if case.step and case.step.code is NextStepCode.MEET else None
    at = meets.starts_at if meets else datetime.max.replace(tzinfo=UTC)
    return not case.open, day, at, case.created_at


def _by_stage(case: CaseLine) -> tuple[int, datetime]:
    return list(Stage).index(case.stage), case.created_at


_ORDERS: Final[dict[str, Callable[[CaseLine], Any]]] = {
    NEXT: by_day_and_time,
    MADE: lambda case: (case.created_at, case.referral_id),
    STAGE: _by_stage,
}


def chosen_cases(cases: Collection[CaseLine], choice: ListChoice, now: datetime) -> list[CaseLine]:
    """The cases that the filters leave, in the chosen order."""
    days, stage, whose = choice.days("waiting"), choice.get("stage"), choice.get("whose")
    left = [
        case
        for case in cases
        if (stage is None or case.stage.value == stage)
        and (whose is None or (case.link_worker is None) == (whose == NOBODYS))
        and (days is None or case.created_at < now - timedelta(days=days))
    ]
    return sorted(left, key=_ORDERS[choice.column], reverse=choice.descending)


def after_case(cases: Sequence[CaseLine], referral_id: str | None, limit: int) -> list[CaseLine]:
    """So many cases after one of them; from the beginning without it, and none after an unknown one."""
    if referral_id is None:
        return list(cases[:limit])
    places = [place for place, case in enumerate(cases) if case.referral_id == referral_id]
    return list(cases[places[0] + 1 :][:limit]) if places else []
