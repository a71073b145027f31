"""Parses the bytes of a feed as tolerantly as possible, and checks that all its pages are there."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping

import orjson

from services.matching.directory.feed.records import MAX_DEPTH, Record

# Field names of Open Referral UK, and those that common web frameworks use for the same value.
TOTAL_PAGES = ("total_pages", "totalPages")
TOTAL_ITEMS = ("total_items", "totalItems", "totalElements")
PAGE_NUMBER = ("page_number", "pageNumber", "page", "number")
LAST_PAGE = ("last_page", "lastPage", "last")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python refuses to parse much longer integers, and no count here is as large.
MAX_DIGITS = 100


class NotJson(ValueError):
    """The document is not JSON, or is nested deeper than any feed."""


def parse(document: bytes | str) -> tuple[object, bool]:
    """The document's values, and True if a character had to be replaced.

    Bad characters and absurd numbers spoil only their own value, not the feed: a byte order mark, half a
    surrogate pair, a control character, a byte that is not text, NaN, thousands of digits. Raises NotJson.
    """
    try:
        return orjson.loads(document), False
    except orjson.JSONDecodeError:
        text, replaced = (document, False) if isinstance(document, str) else _decoded(document)
    try:
        found = json.loads(
            text.removeprefix("\ufeff"), strict=False, parse_int=_number, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise NotJson from None
    whole = _without_surrogates(found)
    return whole, replaced or whole != found


def is_whole(document: object) -> bool:
    """True if no page of the feed is known to be missing.

    A document is one page or a list of pages. A page that belongs to a set needs all others of the set.
    """
    parts = [page for page in _pages(document) if not _is_whole_feed(page)]
    if not parts:
        return True
    totals = {_count(page, TOTAL_PAGES) for page in parts}
    total = next(iter(totals))
    if len(totals) > 1 or total is None:
        return _reaches_the_end(parts)
    numbers = {_count(page, PAGE_NUMBER) for page in parts}
    items = {_count(page, TOTAL_ITEMS) for page in parts} - {None}
    found = sum(len(page["contents"]) for page in parts)
    return None not in numbers and len(numbers) == total == len(parts) and all(n <= found for n in items if n)


def _pages(document: object, depth: int = 0) -> Iterator[Record]:
    if isinstance(document, list) and depth < MAX_DEPTH:
        for part in document:
            yield from _pages(part, depth + 1)
    elif isinstance(document, Mapping) and isinstance(document.get("contents"), list):
        yield document


def _is_whole_feed(page: Record) -> bool:
    pages, items, last = _count(page, TOTAL_PAGES), _count(page, TOTAL_ITEMS), _flag(page, LAST_PAGE)
    if pages is not None and pages > 1:
        return False
    if items is not None:
        return items <= len(page["contents"])
    if pages is not None:
        return True
    return last is not False and (_count(page, PAGE_NUMBER) or 0) <= 1


def _reaches_the_end(parts: list[Record]) -> bool:
    """Checks pages without a total: their numbers have no gap and reach the last page or item."""
    numbers = [number for page in parts if (number := _count(page, PAGE_NUMBER)) is not None]
    if len(set(numbers)) != len(parts) or min(numbers) > 1 or max(numbers) - min(numbers) + 1 != len(parts):
        return False
    items = {_count(page, TOTAL_ITEMS) for page in parts} - {None}
    found = sum(len(page["contents"]) for page in parts)
    if items:
        return all(n <= found for n in items if n)
    return any(_flag(page, LAST_PAGE) for page in parts)


def _count(page: Record, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = page.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < MAX_DIGITS:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _flag(page: Record, names: tuple[str, ...]) -> bool | None:
    return next((page[name] for name in names if isinstance(page.get(name), bool)), None)


def _decoded(document: bytes) -> tuple[str, bool]:
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if document.startswith(mark)), "utf-8")
    try:
        return document.decode(encoding, "surrogatepass"), False
    except UnicodeDecodeError:
        return document.decode(encoding, "replace"), True


def _number(digits: str) -> int | None:
    return int(digits) if len(digits) < MAX_DIGITS else None


def _without_surrogates(value: object) -> object:
    """The same value with U+FFFD in place of half a surrogate pair, which no database accepts."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(part) for part in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return value
