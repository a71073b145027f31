"""The partner-facing AsyncAPI document is valid by AsyncAPI's own schema and says what the services do."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.local.assets import npm
from shared.contract.events.schema import asyncapi_document
from shared.contract.events.topics import event_topics, partner_topics
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import TOY, created, said

HERE = Path(__file__).parent / "asyncapi"


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """AsyncAPI's own JSON Schema of version 3.0.0, from its package."""
    folder = tmp_path_factory.mktemp("asyncapi")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    subprocess.run([*npm(folder), "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)
    return json.loads((folder / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())


def test_the_document_is_valid_asyncapi(specification: Any) -> None:
    validator = jsonschema.Draft7Validator(specification)
    assert [error.message for error in validator.iter_errors(asyncapi_document(["meir"]))] == []
    broken = asyncapi_document() | {"channels": {"x": {"address": 3}}}
    assert not validator.is_valid(broken)


def test_its_channels_are_the_topics_that_the_services_hear() -> None:
    addresses = [channel["address"] for channel in asyncapi_document()["channels"].values()]
    named = [address.replace("{locality}", "meir").replace("{partner}", "hub") for address in addresses]
    assert named == [*event_topics("meir"), *partner_topics("/meir/hub")]


def test_a_part_listens_to_those_topics_and_no_others() -> None:
    options = Options(KafkaConnection("localhost:1"), "mongodb://localhost:1", "none", b"key")
    streams = Kernel(TOY, options, ["meir", "leek-werrington"])._consumers
    listened = [topic for stream in streams for topic in stream._subscriber.topic_names]
    assert listened == [*event_topics("meir"), *event_topics("leek-werrington")]


def test_its_headers_are_those_that_we_write() -> None:
    messages = asyncapi_document()["components"]["messages"]
    for event in ("ReferralCreated", "MeetingBooked", "OutcomeRecorded"):
        message = messages[event]
        written = {name for name, _ in said(created("meir")).headers()}
        assert written <= set(message["headers"]["properties"])
        assert set(message["headers"]["required"]) <= written


def test_a_body_validates_against_the_schema_in_its_message() -> None:
    schema = asyncapi_document()["components"]["messages"]["ReferralCreated"]["payload"]["schema"]
    body = json.loads(created("meir").model_dump_json(exclude_none=True))
    jsonschema.validate(body, schema, jsonschema.Draft202012Validator)
    assert not jsonschema.Draft202012Validator(schema).is_valid(body | {"needs": ["owes money"]})
