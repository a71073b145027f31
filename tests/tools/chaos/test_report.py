"""The table: a row for each fault, and findings put down to the faults in whose time they fall."""

from dataclasses import replace

import pytest

from chaos import plan
from chaos.evidence import Finding
from chaos.faults import StrikeRecord
from chaos.plan import Strike
from chaos.report import TARGETS, Outcome, late, summary, table, with_table
from chaos.waits import Wait


def wait(fault: str, at: float, seconds: float) -> Wait:
    return Wait(StrikeRecord(Strike(fault, ("matching",)), at, at + 1), seconds, seconds / 2)


def outcome(*findings: Finding) -> Outcome:
    waits = [wait("Kafka killed", 100.0, 4.0), wait("Kafka killed", 200.0, 8.0), wait("poison", 400.0, 1.0)]
    return Outcome(waits, findings, repeated=1, handed=7, referrals=100, seconds=50.0, events=600)


def test_a_row_for_each_fault_with_how_long_it_kept_waiting() -> None:
    rows = table([outcome()]).splitlines()[2:]
    assert rows == [
        "| Kafka killed | 2 | 6.0 | 8.0 | 0 | 0 |",
        "| poison | 1 | 1.0 | 1.0 | 0 | 0 |",
    ]


def test_finding_is_attributed_to_the_fault_of_its_time() -> None:
    found = outcome(Finding("lost", "a thing", "here", 205.0), Finding("doubled", "a thing", "there", 401.0))
    assert not found.clean
    killed, poison = table([found]).splitlines()[2:]
    assert killed.endswith("| 1 | 0 |")
    assert poison.endswith("| 0 | 1 |")
    assert "lost 1, doubled 1, otherwise wrong 0" in summary(found)


def test_report_names_faults_that_could_not_be_had() -> None:
    told = Outcome([], [], not_had={"disk full": "only root may"})
    assert "| disk full | 0: only root may |" in table([told])


def test_a_fault_that_struck_less_often_than_it_was_to_is_named() -> None:
    told = replace(outcome(), asked={"Kafka killed": 3, "poison": 1, "MongoDB killed": 2})
    assert told.seldom == {"Kafka killed": 2, "MongoDB killed": 0}
    rows = table([told]).splitlines()[2:]
    assert rows[0].startswith("| Kafka killed | 2 of 3 | 6.0 |")
    assert rows[1].startswith("| poison | 1 | 1.0 |")
    assert rows[2].startswith("| MongoDB killed | 0 of 2 |")


def test_fault_alone_is_held_to_its_target() -> None:
    waits = [
        wait("matching killed", 100.0, 4.9),
        wait("Kafka killed", 200.0, 19.9),  # half of it after its return
        wait("poison", 300.0, 40.0),
    ]
    assert late([Outcome(waits, [])]) == []
    rows = table([Outcome(waits, [])], apart=True).splitlines()[2:]
    assert rows[1].startswith("| matching killed | 1 | 4.9 | 4.9 | 2.5 | 2.5 |")
    assert [row.rsplit(" | ", 1)[1] for row in rows] == [
        "10 s after return, met |",
        "5 s without service, met |",
        " |",
    ]
    slow = [wait("matching killed", 100.0, 5.1), wait("Kafka killed", 200.0, 20.1)]
    assert late([Outcome(slow, [])]) == slow
    assert table([Outcome(slow, [])], apart=True).count("**not met**") == 2


def test_every_target_is_of_a_fault_that_there_is() -> None:
    planned = plan.counts((*plan.on_one_of_each(1, 1), *plan.on_three_of_each(1, 1)))
    assert set(TARGETS) <= set(planned)


def test_the_table_takes_the_place_of_the_one_before() -> None:
    page = "<!-- one begins -->\nold\n<!-- one ends -->\n\n<!-- other begins -->\nkept\n<!-- other ends -->\n"
    assert with_table(page, "one", "new") == page.replace("\nold\n", "\n\nnew\n\n")
    with pytest.raises(ValueError, match="third begins"):
        with_table(page, "third", "new")
