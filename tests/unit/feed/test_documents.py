"""Documents are read tolerantly, and refused if a page is missing."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from services.matching.directory.feed import Import, read_directory
from services.matching.directory.feed.defects import MAX_DEFECTS
from tests.harness.feed.records import TODAY, lunch_club

IDS = ["11111111-1111-4111-8111-11111111111" + str(n) for n in range(6)]


def read(document: object) -> Import:
    return read_directory(document, "tests", TODAY)


def codes(imported: Import) -> set[str]:
    return {defect.code for defect in imported.defects}


def page(number: int, total: int = 2, items: int = 2, **changed: Any) -> dict[str, Any]:
    return {
        "total_items": items,
        "total_pages": total,
        "page_number": number,
        "size": 1,
        "last_page": number == total,
        "contents": [lunch_club(id=IDS[number])],
        **changed,
    }


@pytest.mark.parametrize(
    "document",
    [
        page(1),
        page(2),
        [page(1)],
        [page(1), page(1)],
        [page(1, 3, 3), page(3, 3, 3)],
        [page(1, 2, 9), page(2, 2, 9)],
        {"total_items": 40, "contents": [lunch_club()]},
        {"last_page": False, "contents": [lunch_club()]},
        {"page_number": 2, "last_page": True, "contents": [lunch_club()]},
        {"totalPages": 4, "contents": [lunch_club()]},
        {"total_pages": "4", "contents": [lunch_club()]},
        [{"page_number": 1, "last_page": False, "contents": [lunch_club()]}],
        [{"total_items": 3, "page_number": n, "contents": [lunch_club(id=IDS[n])]} for n in (1, 2)],
    ],
)
def test_document_with_missing_pages_is_refused(document: object) -> None:
    imported = read(document)
    assert (imported.services, imported.refused) == ((), "pages_missing")
    assert "Send all its pages" in imported.defects[0].sentence


@pytest.mark.parametrize(
    ("document", "services"),
    [
        ([page(2), page(1)], 2),
        ([page(0), page(1)], 2),
        ([page(n, 3, 3) for n in (1, 2, 3)], 3),
        ([page(1, 1, 1), page(2, 1, 1)], 2),
        (page(1, 1, 1, last_page=False), 1),
        ({"total_items": 1, "contents": [lunch_club()]}, 1),
        ({"contents": [lunch_club()]}, 1),
        (lunch_club(), 1),
        ([lunch_club()], 1),
        (
            [{"page_number": n, "last_page": n == 3, "contents": [lunch_club(id=IDS[n])]} for n in (1, 2, 3)],
            3,
        ),
    ],
)
def test_whole_document_is_read(document: object, services: int) -> None:
    imported = read(document)
    assert (len(imported.services), imported.refused) == (services, None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_is_ignored(encoding: str) -> None:
    imported = read(json.dumps(lunch_club()).encode(encoding))
    assert len(imported.services) == 1
    assert imported.defects == ()
    assert len(read("\ufeff" + json.dumps(lunch_club())).services) == 1


@pytest.mark.parametrize(
    ("spoilt", "kept", "told"),
    [
        (b'"A \\ud83d meal"', "A \ufffd meal", True),
        (b'"A \xed\xa0\xbd meal"', "A \ufffd meal", True),
        (b'"Caf\xe9 meal"', "Caf\ufffd meal", True),
        (b'"A \\ud83c\\udf5c meal"', "A \U0001f35c meal", False),
        (b'"A\x01\tmeal"', "A meal", False),
    ],
)
def test_bad_character_alone_is_replaced(spoilt: bytes, kept: str, told: bool) -> None:
    document = orjson.dumps(lunch_club()).replace(b'"A hot meal and company."', spoilt)
    imported = read(document)
    assert imported.services[0].description == kept
    assert ("characters_replaced" in codes(imported)) is told
    orjson.dumps(imported.services[0].model_dump(mode="json"))


@pytest.mark.parametrize(
    "number", [b"1" + b"0" * 5000, b'"' + b"1" * 5000 + b'"', b"NaN", b"-Infinity", b"1e999"]
)
def test_absurd_number_alone_is_left_out(number: bytes) -> None:
    document = orjson.dumps(lunch_club(minimum_age=50)).replace(
        b'"minimum_age":50', b'"minimum_age":' + number
    )
    imported = read(document)
    assert imported.services[0].minimum_age is None
    of_cost = orjson.dumps(lunch_club()).replace(b'"amount":4.5', b'"amount":' + number)
    assert read(of_cost).services[0].costs[0].amount is None
    of_id = orjson.dumps(lunch_club(id=50)).replace(b'"id":50', b'"id":' + number)
    assert len(read(of_id).services) == 1


def test_report_too_long_counts_what_is_left_out() -> None:
    imported = read(b"[" + b",".join([b"0"] * 40_000) + b"]")
    assert (imported.records, len(imported.defects)) == (40_000, MAX_DEFECTS)
    assert imported.left_out == 40_000 - MAX_DEFECTS


def test_document_with_too_many_records_is_refused() -> None:
    imported = read(b"[" + b",".join([b"0"] * 140_000) + b"]")
    assert imported.refused == "records_too_many"
    assert [defect.code for defect in imported.defects] == ["records_too_many"]


def test_duplicate_id_keeps_later_moment() -> None:
    older = lunch_club(name="Old", last_modified="2026-02-01T09:30:00+01:00")
    newer = lunch_club(name="New", last_modified="2026-02-01T09:00:00Z")
    unknown = lunch_club(name="Unknown", last_modified="yesterday")
    for order in ([older, newer, unknown], [unknown, newer, older]):
        imported = read(order)
        assert [service.name for service in imported.services] == ["New"]
        assert codes(imported) == {"id_duplicate"}
