"""Vectors of the log: current, and what the log's own readers say of them."""

import json

import pytest

from shared.contract.events.partitioning import murmur2, partition_of
from tests.harness.history.logs import PARTITIONS, RULES, LogRule, log_files, read_log
from tests.harness.history.vectors import LOGS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_log_holds_what_its_rule_says(rule: LogRule) -> None:
    facts, owners = read_log([rule.records.get(each, ()) for each in PARTITIONS])
    assert facts == list(rule.facts)
    assert owners == rule.owners


def test_key_of_each_vector_lies_in_its_partition() -> None:
    for vector in json.loads((LOGS / "partitions.json").read_text())["vectors"]:
        key = vector["key"].encode()
        assert (murmur2(key), partition_of(key, vector["of"])) == (vector["murmur2"], vector["partition"])


def test_vector_files_of_the_log_are_current() -> None:
    assert {path.name: path.read_text() for path in LOGS.glob("*.json")} == log_files()
