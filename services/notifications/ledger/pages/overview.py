"""/notifications/: messages of the last two weeks by reason, kind and day."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.notifications.ledger.api import Queries, localities_of
from services.notifications.ledger.queries import MessageCount, Status
from services.notifications.messages.message import Recipient, Template
from shared.contract import labels
from shared.platform.clock import LONDON, Clock
from shared.platform.localities import Localities
from shared.platform.web import dates
from shared.platform.web.auth import Principal, require_page
from shared.platform.web.bodies import DaySent
from shared.platform.web.owners import Owners
from shared.platform.web.pages import Pages
from shared.platform.web.problem import Problem

DAYS: Final = 14
FAILED: Final = "Failed"
DROPPED: Final = "Not sent, because it was not safe or no longer needed"

Cell = dict[str, str]
Rows = list[list[Cell | str]]
Table = dict[str, Any]

router = APIRouter(include_in_schema=False)


@router.get("/notifications/")
async def overview(
    request: Request,
    queries: Queries,
    caller: Annotated[Principal, Depends(require_page("programme_admin"))],
    locality: Annotated[str, Query(max_length=50)] = "",
    day: Annotated[DaySent | None, Query()] = None,
) -> Response:
    """Serves the page of one locality, or of all that the caller may see without the sandboxes."""
    allowed = localities_of(caller, queries)
    if locality and locality not in allowed:
        raise Problem(404)
    clock: Clock = request.app.state.clock
    localities: Localities = request.app.state.localities
    chosen = [locality] if locality else [slug for slug in allowed if not localities.is_sandbox(slug)]
    first = clock().astimezone(LONDON).date() - timedelta(days=DAYS - 1)
    counts = await queries.counts(chosen, datetime.combine(first, time(), LONDON))
    of_day = [count for count in counts if day is None or count.day == day.isoformat()]
    pages: Pages = request.app.state.pages
    page: Response = pages.page(
        request,
        "notifications/overview.html",
        places=[
            {"value": "", "text": "All localities"},
            *({"value": slug, "text": localities.by_slug[slug].name} for slug in allowed),
        ],
        locality=locality,
        place=localities.by_slug[locality].name if locality else "All localities",
        day_chosen=day,
        dropped=DROPPED,
        elsewhere=[
            (localities.by_slug[slug].name, owner)
            for slug in chosen
            if (owner := Owners(localities, {}).elsewhere("notifications", slug)) is not None
        ],
        waiting=await queries.waiting(chosen),
        total=StatusCounts.of(of_day),
        reasons=_by_reason(of_day),
        kinds=_by_kind(of_day),
        days=_by_day(counts, locality),
    )
    return page


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """The number of messages of each final status."""

    sent: int
    failed: int
    dropped: int

    @classmethod
    def of(cls, counts: Iterable[MessageCount]) -> "StatusCounts":
        """Adds up these counts."""
        by_status: Counter[Status] = Counter()
        for count in counts:
            by_status[count.status] += count.messages
        return cls(by_status[Status.SENT], by_status[Status.FAILED], by_status[Status.DROPPED])

    @property
    def cells(self) -> list[str]:
        """The counts as the cells of a table's row."""
        return [str(self.sent), str(self.failed), str(self.dropped)]


def reason(code: str) -> tuple[str, str]:
    """The label of a code, and a sentence on its meaning. A code without a label is shown itself."""
    return labels.NOT_SENT.get(code, (code.replace("_", " ").capitalize(), ""))


def _by_reason(counts: list[MessageCount]) -> Table | None:
    """Failures first, the most frequent first."""
    messages: Counter[tuple[bool, str]] = Counter()
    for count in counts:
        if count.code:
            messages[count.status is Status.FAILED, count.code] += count.messages
    rows: Rows = []
    for (failure, code), number in sorted(messages.items(), key=lambda item: (not item[0][0], -item[1])):
        title, meaning = reason(code)
        rows.append([title, meaning, FAILED if failure else DROPPED, str(number)])
    head: list[Cell | str] = ["Reason", "What it means", "Result", _number("Number")]
    return _table("Why messages were not sent", head, rows) if rows else None


def _by_kind(counts: list[MessageCount]) -> Table | None:
    rows: Rows = []
    for template in Template:
        for recipient in Recipient:
            of_kind = [c for c in counts if (c.template, c.recipient) == (template, recipient)]
            if of_kind:
                cells = StatusCounts.of(of_kind).cells
                rows.append([labels.TEMPLATES[template], labels.RECIPIENTS[recipient], *cells])
    return _table("By kind of message", ["Message", "To", *STATUS_COLUMNS], rows) if rows else None


def _by_day(counts: list[MessageCount], locality: str) -> Table | None:
    """The latest day first; days without a message are left out."""
    rows: Rows = []
    for day in sorted({count.day for count in counts}, reverse=True):
        of_day = StatusCounts.of(count for count in counts if count.day == day)
        query = urlencode({"day": day, "locality": locality})
        text = dates.day(date.fromisoformat(day))
        rows.append([{"text": text, "href": f"/notifications/?{query}"}, *of_day.cells])
    return _table("By day", ["Day", *STATUS_COLUMNS], rows) if rows else None


def _number(text: str) -> Cell:
    return {"text": text, "format": "numeric"}


STATUS_COLUMNS: Final = [_number("Sent"), _number(FAILED), _number(DROPPED)]


def _table(caption: str, head: Sequence[Cell | str], rows: Rows) -> Table:
    """Arguments of the NHS table macro. On a narrow screen each row becomes a small list."""
    return {
        "caption": {"text": caption, "size": "m"},
        "head": head,
        "rows": rows,
        "firstCellIsHeader": True,
        "responsive": True,
    }
