"""Each numbered rule refuses its example, which the schemas allow. The schemas are described and plain."""

import json
from collections.abc import Container, Iterator
from typing import Any

import pytest

from services.referral.partners.checks import Refusal, judge
from shared.contract.authority import TABLE, SourceRole, refusal_of
from shared.contract.events import json_schema, vocabulary
from shared.contract.events.envelope import Envelope, Refused, read
from shared.contract.events.fields import is_open
from shared.contract.events.headers import NAME
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.rules import RULES, TOPIC, Example, Rule
from shared.contract.events.schema import schemas
from shared.platform.localities import Locality, Source
from tests.harness.contract.validators import validator

NUMBERS = [rule.number for rule in RULES]


class TableOfExample:
    """A table that names the example's source as the example says."""

    version = "1"

    def __init__(self, example: Example) -> None:
        self._example = example

    def partners(self) -> tuple[str, ...]:
        return (self._example.inbox,)

    def sources_in(self, localities: Container[str]) -> tuple[Source, ...]:
        return ()

    def locality(self, slug: str) -> Locality | None:
        return None

    def brings(self, source: str) -> bool:
        return False

    def refusal(self, event: Envelope) -> RefusalCode | None:
        roles: frozenset[Any] = frozenset([self._example.role] if self._example.role else [])

        def roles_of(_: str) -> frozenset[SourceRole]:
            return roles

        code = refusal_of(event, TABLE, roles_of, self._example.practices)
        return None if code is None else RefusalCode(code)


def code_of(example: Example) -> str | None:
    """The code by which the example is refused: in its inbox, or else in its topic."""
    key, pairs = example.key.encode(), example.pairs()
    found = judge(example.inbox, key, example.value, pairs, TableOfExample(example))
    if isinstance(found, Refusal):
        return found.code.value
    heard = read(example.topic, key, example.value, pairs)
    return heard.reason if isinstance(heard, Refused) else None


@pytest.mark.parametrize("rule", RULES, ids=NUMBERS)
def test_rule_refuses_what_the_schemas_allow(rule: Rule) -> None:
    headers = {name: value.decode() for name, value in rule.example.pairs()}
    body = json.loads(rule.example.value.decode("utf-8-sig"))
    assert validator(NAME).is_valid(headers)
    assert validator(f"{headers['ce_type']}.json").is_valid(body)
    assert code_of(rule.example) == rule.code


def test_record_without_an_example_change_is_taken() -> None:
    record = Example("as it is")
    assert code_of(record) is None
    assert isinstance(read(TOPIC, record.key.encode(), record.value, record.pairs()), Envelope)


def test_every_rule_has_a_number_of_its_own() -> None:
    assert len(set(NUMBERS)) == len(RULES)


def parts(schema: Any) -> Iterator[Any]:
    """Every schema within a schema but the conditions, which name fields again."""
    if isinstance(schema, list):
        for each in schema:
            yield from parts(each)
    elif isinstance(schema, dict):
        yield schema
        for name, each in schema.items():
            if name in ("properties", "$defs"):
                yield from parts(list(each.values()))
            elif name not in ("if", "else", "examples"):
                yield from parts(each)


@pytest.mark.parametrize("name", schemas())
def test_every_property_is_described(name: str) -> None:
    undescribed = [
        field
        for part in parts(schemas()[name])
        for field, schema in part.get("properties", {}).items()
        if isinstance(schema, dict) and schema.keys() - {"type"} and "description" not in schema
    ]
    assert undescribed == []


@pytest.mark.parametrize("name", schemas())
def test_schema_uses_json_schema_alone(name: str) -> None:
    schema = schemas()[name]
    assert schema["$id"] == f"https://linkwork.example.org/contract/schemas/{name}"
    for part in parts(schema):
        assert not part.keys() & {"discriminator", "nullable", "format", "example"}
        assert "\\d" not in part.get("pattern", "")
        assert not isinstance(part.get("type"), list)


@pytest.mark.parametrize("name", schemas())
def test_every_list_is_declared_open_or_closed(name: str) -> None:
    for part in parts(schemas()[name]):
        codes = part.get("enum", [])
        if codes and part.get("title"):
            known = getattr(vocabulary, part["title"], None)
            wanted = {json_schema.OPEN_LIST if known and is_open(known) else json_schema.CLOSED_LIST}
            wanted |= {json_schema.OPEN_REFUSALS} if known is None else set()
            assert part["$comment"] in wanted, part["title"]
            if name.startswith("reading/"):
                assert part["$comment"] == json_schema.CLOSED_LIST


def test_kind_is_required_of_every_outcome() -> None:
    schema = schemas()["org.linkwork.outcome-recorded.v1.json"]
    assert "kind" in schema["required"]
    for branch in schema["oneOf"]:
        assert "kind" in schema["$defs"][branch["$ref"].rsplit("/", 1)[-1]]["required"]
