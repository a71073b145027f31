"""/notifications/: messages of the last two weeks by day and by kind, and failures by reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.notifications.ledger.api import within
from services.notifications.ledger.pages import words
from services.notifications.ledger.queries import Count, Questions, Status
from services.notifications.messages.message import Recipient, Template
from shared.platform.clock import LONDON, Clock
from shared.platform.localities import Localities
from shared.platform.web import dates
from shared.platform.web.auth import Principal, require_page
from shared.platform.web.bodies import DaySent
from shared.platform.web.pages import Pages
from shared.platform.web.problem import Problem

TEMPLATES: Final = Path(__file__).with_name("templates")
DAYS: Final = 14
FAILED: Final = "Failed"
DROPPED: Final = "Not sent, because it was not safe or no longer needed"

Cell = dict[str, str]
Rows = list[list[Cell | str]]
Table = dict[str, Any]


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

    @property
    def cells(self) -> list[str]:
        return [str(self.sent), str(self.failed), str(self.dropped)]


def page_routes(questions: Questions, localities: Localities) -> APIRouter:
    """GET /notifications/."""
    router = APIRouter(include_in_schema=False)

    @router.get("/notifications/")
    async def overview(
        request: Request,
        caller: Annotated[Principal, Depends(require_page("programme_admin"))],
        locality: Annotated[str, Query(max_length=50)] = "",
        day: Annotated[DaySent | None, Query()] = None,
    ) -> Response:
        theirs = within(questions, caller)
        if locality and locality not in theirs:
            raise Problem(404)
        chosen = [locality] if locality else theirs
        clock: Clock = request.app.state.clock
        first = clock().astimezone(LONDON).date() - timedelta(days=DAYS - 1)
        counts = await questions.counts(chosen, datetime.combine(first, time(), LONDON))
        shown = [count for count in counts if day is None or count.day == day.isoformat()]
        pages: Pages = request.app.state.pages
        page: Response = pages.page(
            request,
            "notifications/overview.html",
            places=[
                {"value": "", "text": "All localities"},
                *({"value": slug, "text": localities.by_slug[slug].name} for slug in theirs),
            ],
            locality=locality,
            place=localities.by_slug[locality].name if locality else "All localities",
            day_chosen=day,
            dropped=DROPPED,
            waiting=await questions.waiting(chosen),
            total=Ends.of(shown),
            reasons=_by_reason(shown),
            kinds=_by_kind(shown),
            days=_by_day(counts, locality),
        )
        return page

    return router


def _by_reason(counts: list[Count]) -> Table | None:
    """Failures first, the most frequent first."""
    messages: Counter[tuple[bool, str]] = Counter()
    for count in counts:
        if count.code:
            messages[count.status is Status.FAILED, count.code] += count.messages
    rows: Rows = []
    for (failure, code), number in sorted(messages.items(), key=lambda item: (not item[0][0], -item[1])):
        title, meaning = words.reason(code)
        rows.append([title, meaning, FAILED if failure else DROPPED, str(number)])
    head: list[Cell | str] = ["Reason", "What it means", "Result", _number("Number")]
    return _table("Why messages were not sent", head, rows) if rows else None


def _by_kind(counts: list[Count]) -> Table | None:
    rows: Rows = []
    for template in Template:
        for recipient in Recipient:
            mine = [c for c in counts if (c.template, c.recipient) == (template, recipient)]
            if mine:
                rows.append([words.TEMPLATES[template], words.RECIPIENTS[recipient], *Ends.of(mine).cells])
    return _table("By kind of message", ["Message", "To", *ENDS], rows) if rows else None


def _by_day(counts: list[Count], locality: str) -> Table | None:
    """The latest first; days without a message are left out."""
    rows: Rows = []
    for day in sorted({count.day for count in counts}, reverse=True):
        ends = Ends.of(count for count in counts if count.day == day)
        query = urlencode({"day": day, "locality": locality})
        text = dates.day(date.fromisoformat(day))
        rows.append([{"text": text, "href": f"/notifications/?{query}"}, *ends.cells])
    return _table("By day", ["Day", *ENDS], rows) if rows else None


def _number(text: str) -> Cell:
    return {"text": text, "format": "numeric"}


ENDS: Final = [_number("Sent"), _number(FAILED), _number(DROPPED)]


def _table(caption: str, head: Sequence[Cell | str], rows: Rows) -> Table:
    """What the NHS table macro takes: on a narrow screen each row becomes a small list."""
    return {
        "caption": {"text": caption, "size": "m"},
        "head": head,
        "rows": rows,
        "firstCellIsHeader": True,
        "responsive": True,
    }
