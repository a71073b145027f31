"""The pages of rules and duties: whole, and in step with the vectors and tests that they quote."""

import json
import re
import time
from uuid import UUID

from shared.contract.events.partitioning import murmur2, partition_of
from shared.contract.history.vectors import load_all
from shared.platform.ids import new_id
from tests.harness.history.vectors import ARROW, PAGE, ROOT, of_rules, page

DUTIES = ROOT / "docs" / "contract"
_DUTY = re.compile(r"^- \*\*([A-Z]+-\d+)\*\* \S", re.MULTILINE)
_PARTITION = re.compile(r"^\| `([^`]+)` \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
_RULE = re.compile(r"^\*\*(F\d+)\.\*\* \S", re.MULTILINE)
# Beside the names of vectors.
MOST_WORDS = 3_200


def quoted() -> dict[str, list[str]]:
    tests: dict[str, list[str]] = json.loads((DUTIES / "duties.json").read_text())
    return tests


def test_duties_and_their_table_have_the_same_numbers() -> None:
    numbers = _DUTY.findall((DUTIES / "duties.md").read_text())
    assert numbers == list(quoted())
    assert len(set(numbers)) == len(numbers)


def test_each_duty_quotes_tests_that_exist() -> None:
    for duty, tests in quoted().items():
        assert tests, duty
        for test in tests:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(), f"{duty}: {test}"


def test_event_id_is_a_uuid_that_grows_with_time() -> None:
    before = int(time.time() * 1000)
    made = UUID(new_id())
    assert made.version == 7
    assert before <= made.int >> 80 <= int(time.time() * 1000)


def test_partitions_on_the_page_are_those_of_the_vectors() -> None:
    rows = _PARTITION.findall((DUTIES / "duties.md").read_text())
    assert len(rows) == 3
    for key, *numbers in rows:
        hashed = key.encode()
        found = [murmur2(hashed), partition_of(hashed, 6), partition_of(hashed, 12)]
        assert [int(each) for each in numbers] == found


def test_rules_are_numbered_once_and_in_order() -> None:
    numbers = [int(each[1:]) for each in _RULE.findall(PAGE.read_text())]
    assert numbers == sorted(set(numbers))


def test_each_rule_names_its_vectors() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `make vectors`"
    assert set(_RULE.findall(text)) == set(of_rules())
    assert f"{ARROW} \n" not in text


def test_each_vector_names_rules_of_the_page() -> None:
    numbers = set(_RULE.findall(PAGE.read_text()))
    for file in load_all().values():
        for vector in file.vectors:
            assert vector.rules, vector.name
            assert numbers.issuperset(vector.rules), vector.name


def test_rules_and_duties_stay_terse() -> None:
    lines = [line for name in ("fold.md", "duties.md") for line in (DUTIES / name).read_text().splitlines()]
    words = [word for line in lines if not line.startswith(ARROW) for word in line.split()]
    assert sum(any(map(str.isalnum, word)) for word in words) <= MOST_WORDS
