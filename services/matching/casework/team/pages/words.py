"""Words of the team's pages for codes."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from services.matching.booking.handing import WhatBecomes
from services.matching.casework.team.views import WaitsFor
from services.matching.roster.covers import CoverReason
from shared.platform.web.dates import day_and_time

COVER_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        CoverReason.AWAY: "Their link worker is away",
        CoverReason.ASKED: "Their link worker asked me to",
        CoverReason.URGENT_CALL: "Somebody rang about them and it cannot wait",
        CoverReason.SAFEGUARDING: "I am worried about their safety",
        CoverReason.TAKING_OVER: "I may take the case over",
    }
)
COVER_DAYS: Final = (("1", "Until this time tomorrow"), ("7", "For 7 days"), ("14", "For 14 days"))
WAITS_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        WaitsFor.NOBODY: "Has no link worker",
        WaitsFor.AWAY: "Their link worker is away today",
        WaitsFor.OVERDUE: "The next step is overdue",
    }
)
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case_ended": "The case has ended.",
        "not_serving": "That link worker does not meet people of this practice.",
        "unknown_link_worker": "There is no such link worker.",
        "covered_case": "You cover this case. Its own link worker hands it over.",
        "unknown_case": "The case is not yours any more.",
        "nobody_before": "Nobody had this case before. Hand it to a colleague instead.",
        "cannot_undo": "The case has gone on since, so it stays.",
    }
)


def becomes(what: WhatBecomes, at: datetime | None) -> str:
    """The outcome for a meeting, as a sentence."""
    when = day_and_time(at) if at else ""
    match what:
        case WhatBecomes.KEPT:
            return f"Keeps the time: {when}"
        case WhatBecomes.MOVED:
            return f"Moves to {when}"
        case WhatBecomes.WAITS:
            return "No time is free: they wait for an appointment"
        case WhatBecomes.BOOKED_ELSEWHERE:
            return "The owner of appointments moves it"
        case _:
            return "No appointment to come"
