"""The kit's report: what it quotes, what it counts, and how it exits."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

import pytest

from conformance import report
from conformance.__main__ import finish, main
from conformance.clause import NOTHING, Clause, clauses_of
from conformance.contract import PARTS, quote, version
from conformance.runner import Outcome, Result, repeat
from conformance.settings import Kafka, Settings

SETTINGS = Settings(
    Kafka("broker:9092", "kit", "secret"),
    "booking",
    source="/sandbox/b",
    inbox=True,
    seed=7,
    start="npm start",
)
BOOK_3, F10 = (
    next(each for each in clauses_of("booking") if each.name == name) for name in ("BOOK-3", "F10")
)


def result(outcome: Outcome, clause: Clause = BOOK_3) -> Result:
    at = datetime(2026, 1, 5, 9, 30, 2, tzinfo=UTC)
    return Result(clause, outcome, 1.5, "provisional: true", "provisional: false", ["said"], ["heard"], at)


@pytest.mark.parametrize("part", PARTS)
def test_every_clause_quotes_the_contract_and_says_how(part: str) -> None:
    for clause in clauses_of(part):
        assert clause.text
        assert clause.how.endswith(".")
        assert 0 < clause.limit <= 130


def test_kit_has_more_than_25_clauses_for_booking_and_in_all() -> None:
    assert len(clauses_of("booking")) > 25


def test_quote_of_unknown_number_raises() -> None:
    with pytest.raises(KeyError):
        quote("BOOK-99")


def test_quote_gives_duty_rule_and_row() -> None:
    assert quote("BOOK-3").startswith("A time that the person has not agreed to")
    assert quote("F2").startswith("Order and repetition")
    assert quote("R2").startswith("A body is one JSON text")


def test_table_of_failure_quotes_all_that_is_known() -> None:
    shown = report.table(SETTINGS, [result("failed")])
    for part in (
        quote("BOOK-3"),
        "said",
        "heard",
        "provisional: true",
        "provisional: false",
        "--only BOOK-3",
        "09:30:02 UTC, for 1.5 s",
    ):
        assert part in shown


def test_table_names_the_clauses_in_which_the_part_was_silent() -> None:
    silent = replace(result("failed"), came=NOTHING)
    shown = report.table(SETTINGS, [silent, result("failed", F10)])
    assert "said nothing at all in BOOK-3: look at its log" in shown
    assert "said nothing" not in report.table(SETTINGS, [result("failed")])


def test_table_shortens_what_json_has_whole() -> None:
    long = replace(result("failed"), sent=[f"event {number}" for number in range(30)])
    shown = report.table(SETTINGS, [long])
    assert "event 11" in shown
    assert "event 12" not in shown
    assert "and 18 more" in shown
    assert len(report.document(SETTINGS, [long])["clauses"][0]["sent"]) == 30


def test_repeat_names_everything_but_the_password() -> None:
    command = repeat(SETTINGS, BOOK_3)
    assert "--only BOOK-3 --seed 7" in command
    assert "--inbox" in command
    assert "'npm start'" in command
    assert "secret" not in command


def test_repeat_names_how_it_connects_and_waits() -> None:
    kafka = Kafka("broker:9092", "kit", "secret", tls=True, ca_file="ca.pem")
    command = repeat(replace(SETTINGS, kafka=kafka, settle=5.0, patience=2.5), BOOK_3)
    assert "--user kit --ca-file ca.pem" in command
    assert "--settle 5 --patience 2.5 --tls --inbox" in command
    assert "--settle" not in repeat(SETTINGS, BOOK_3)


def test_error_is_told_as_a_fault_of_the_kit() -> None:
    assert "not of the part" in report.table(SETTINGS, [result("error")])
    assert "not of the part" not in report.table(SETTINGS, [result("failed")])


def test_repeat_of_a_run_by_make_is_a_command_of_make() -> None:
    command = repeat(replace(SETTINGS, make="make conformance PARTS=booking"), BOOK_3)
    assert command == "make conformance PARTS=booking ONLY=BOOK-3 SEED=7"


@pytest.mark.parametrize(
    ("outcomes", "passed", "status"),
    [
        (["passed"], True, 0),
        (["passed", "not tried"], True, 0),
        (["passed", "failed"], False, 1),
        (["not tried"], False, 1),
        (["passed", "error"], False, 2),
        ([], False, 2),
    ],
)
def test_report_passes_if_no_tried_clause_failed(outcomes: list[Outcome], passed: bool, status: int) -> None:
    results = [result(each) for each in outcomes]
    document = json.loads(report.as_json(SETTINGS, results))
    assert document["passed"] is passed
    assert document["contract"] == version()
    assert (document["part"], document["locality"]) == ("booking", "sandbox")
    assert finish(SETTINGS, results) == status


def test_junit_counts_failures_and_skips() -> None:
    suite = Xml.fromstring(
        report.as_junit(SETTINGS, [result("failed"), result("not tried"), result("passed")])
    )
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "provisional: true" in (failure.text or "")


def test_list_shows_clauses_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["referral", "--list"])
    assert ended.value.code == 0
    assert "REF-3/token" in capsys.readouterr().out


def test_unknown_clause_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["booking", "--only", "BOOK-99"])
    assert ended.value.code == 2
    assert "--list" in capsys.readouterr().err


def test_report_of_some_clauses_names_all_others_as_not_tried() -> None:
    others = [each.name for each in clauses_of("booking") if each not in (BOOK_3, F10)]
    document = report.document(SETTINGS, [result("passed"), result("not tried", F10)])
    assert document["passed"] is True
    assert sorted(document["not_tried"]) == sorted([*others, "F10"])
