"""/notifications/: messages of the last two weeks by day and by kind, and failures by reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.notifications.api import within
from services.notifications.messages import Recipient, Template
from services.notifications.pages import words
from services.notifications.questions import Count, Questions, Status
from shared.clock import LONDON, Clock
from shared.localities import Localities
from shared.web.auth import Caller, require_page
from shared.web.pages import Pages
from shared.web.problem import Problem

TEMPLATES: Final = Path(__file__).with_name("templates")
DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Ends:
    """How many messages came to which end."""

    sent: int
    failed: int
    dropped: int

    @classmethod
    def of(cls, counts: Iterable[Count]) -> "Ends":
        ends: Counter[Status] = Counter()
        for count in counts:
            ends[count.status] += count.messages
        return cls(ends[Status.SENT], ends[Status.FAILED], ends[Status.DROPPED])


@dataclass(frozen=True, slots=True)
class Reason:
    """Why messages were not sent, and how many."""

    title: str
    meaning: str
    messages: int
    failure: bool


def page_routes(questions: Questions, localities: Localities) -> APIRouter:
    """GET /notifications/."""
    router = APIRouter(include_in_schema=False)

    @router.get("/notifications/")
    async def overview(
        request: Request,
        caller: Annotated[Caller, Depends(require_page("programme_admin"))],
        locality: Annotated[str, Query(max_length=50)] = "",
        day: Annotated[date | None, Query()] = None,
    ) -> Response:
        theirs = within(questions, caller)
        if locality and locality not in theirs:
            raise Problem(404)
        chosen = [locality] if locality else theirs
        clock: Clock = request.app.state.clock
        days = _days(clock().astimezone(LONDON).date())
        counts = await questions.counts(chosen, datetime.combine(days[-1], time(), LONDON))
        shown = [count for count in counts if day is None or count.day == day.isoformat()]
        pages: Pages = request.app.state.pages
        page: Response = pages.page(
            request,
            "notifications/overview.html",
            places=[(slug, localities.by_slug[slug].name) for slug in theirs],
            locality=locality,
            place=localities.by_slug[locality].name if locality else "All localities",
            day_chosen=day,
            waiting=await questions.waiting(chosen),
            total=Ends.of(shown),
            by_day=[(each, Ends.of(c for c in counts if c.day == each.isoformat())) for each in days],
            by_message=_by_message(shown),
            reasons=_reasons(shown),
        )
        return page

    return router


def _days(today: date) -> list[date]:
    return [today - timedelta(days=back) for back in range(DAYS)]


def _by_message(counts: list[Count]) -> list[tuple[str, str, Ends]]:
    rows = []
    for template in Template:
        for recipient in Recipient:
            mine = [c for c in counts if (c.template, c.recipient) == (template, recipient)]
            if mine:
                rows.append((words.TEMPLATES[template], words.RECIPIENTS[recipient], Ends.of(mine)))
    return rows


def _reasons(counts: list[Count]) -> list[Reason]:
    """Failures first, the most frequent first."""
    messages: Counter[tuple[bool, str]] = Counter()
    for count in counts:
        if count.code:
            messages[count.status is Status.FAILED, count.code] += count.messages
    return [
        Reason(*words.reason(code), number, failure)
        for (failure, code), number in sorted(messages.items(), key=lambda item: (not item[0][0], -item[1]))
    ]
