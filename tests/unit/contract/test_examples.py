"""An example of each kind, valid by the schemas and by the readers of records and of requests."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.referral.partners.inputs import inbox_record
from services.referral.partners.schemas import EventSent
from shared.contract.asyncapi.loading import EXAMPLES, NOTICE_TYPE, REFUSAL_TYPE, schema_of
from shared.contract.asyncapi.roles import every_kind
from shared.contract.authority import TABLE, refusal_of
from shared.contract.events import topics
from shared.contract.events.envelope import Envelope, UnknownOutcome, read, read_any
from shared.contract.events.fact import kind_of
from shared.contract.events.inbox_end import INBOX_END_TYPE, EndOfInbox
from shared.contract.events.marker import MARKER_TYPE, Marker
from shared.contract.events.notices import DETAIL, FactNoticed
from shared.contract.events.outcomes import KINDS
from shared.contract.events.refusals import RecordRefused

FILES = sorted(EXAMPLES.glob("*/*.json"))
EVENTS = [path for path in FILES if path.parent.name in topics.EVENTS]


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def name(path: Path) -> str:
    return path.stem


def test_each_kind_has_one_example_and_no_other() -> None:
    wanted = {f"{event}/{kind}.json" for event, kind in every_kind()}
    wanted |= {"part-handed-over/part_handed_over.json", "record-refused/record_refused.json"}
    wanted |= {"fact-noticed/fact_noticed.json", "inbox-end/inbox_end.json"}
    assert {path.relative_to(EXAMPLES).as_posix() for path in FILES} == wanted
    assert {kind for event, kind in every_kind() if event == "outcome-recorded"} == KINDS


@pytest.mark.parametrize("path", EVENTS, ids=name)
def test_example_is_read_as_its_kind(path: Path) -> None:
    record = inbox_record(EventSent.model_validate(content(path)))
    found = read_any("meir", record.key, record.value, record.pairs())
    assert isinstance(found, Envelope)
    assert not isinstance(found.body, UnknownOutcome)
    assert (found.event, kind_of(found.event, found.body)) == (path.parent.name, path.stem)
    parts = topics.our_parts(found.source)
    assert refusal_of(found, TABLE, lambda _: parts, {"M83713"}) is None


@pytest.mark.parametrize("path", EVENTS, ids=name)
def test_example_is_valid_by_the_published_schema(path: Path) -> None:
    event = content(path)
    schema = schema_of(event["type"])
    assert event["dataschema"] == schema["$id"]
    jsonschema.validate(event["data"], schema, jsonschema.Draft202012Validator)


def test_examples_have_ids_of_their_own() -> None:
    ids = [content(path)["id"] for path in FILES]
    assert len(set(ids)) == len(ids)


def test_example_of_a_marker_is_read_as_one() -> None:
    event = content(EXAMPLES / "part-handed-over" / "part_handed_over.json")
    jsonschema.validate(event["data"], schema_of(MARKER_TYPE), jsonschema.Draft202012Validator)
    record = inbox_record(EventSent.model_validate(event))
    found = read("meir.meeting-booked.v1", b"booking", record.value, record.pairs())
    assert isinstance(found, Marker)


def test_example_of_an_inbox_end_is_read_as_one() -> None:
    event = content(EXAMPLES / "inbox-end" / "inbox_end.json")
    jsonschema.validate(event["data"], schema_of(INBOX_END_TYPE), jsonschema.Draft202012Validator)
    record = inbox_record(EventSent.model_validate(event))
    assert isinstance(read_any("meir", b"booking", record.value, record.pairs()), EndOfInbox)


def test_example_of_a_refusal_is_valid() -> None:
    body = content(EXAMPLES / "record-refused" / "record_refused.json")
    jsonschema.validate(body, schema_of(REFUSAL_TYPE), jsonschema.Draft202012Validator)
    RecordRefused.model_validate(body)


def test_example_of_a_notice_is_valid() -> None:
    body = content(EXAMPLES / "fact-noticed" / "fact_noticed.json")
    jsonschema.validate(body, schema_of(NOTICE_TYPE), jsonschema.Draft202012Validator)
    assert FactNoticed.model_validate(body).detail == DETAIL
