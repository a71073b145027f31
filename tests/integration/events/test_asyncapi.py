"""The AsyncAPI documents are valid by AsyncAPI's own parser, and say what the services do."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.local.assets import npm
from services.referral.partners.checks import INBOX_HEADER, OFFSET_HEADER, PARTITION_HEADER, TABLE_HEADER
from shared.contract import asyncapi
from shared.contract.asyncapi.bus import camel
from shared.contract.asyncapi.documents import service_document
from shared.contract.asyncapi.loading import contents
from shared.contract.asyncapi.roles import SERVICE_OF, every_kind, parts_of_service, said_by
from shared.contract.authority import SourceRole
from shared.contract.events import outcomes, topics
from shared.delivery.kafka.topics import PARTITIONS, PARTNER_PARTITIONS, events_kept, partners_kept
from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.access.declaration import Grant, declare
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import load_localities
from tests.harness.delivery.toy import TOY, created, said

HERE = Path(__file__).parent / "asyncapi"
ROOT = Path(__file__).parents[3]
DOCUMENTS = {name: asyncapi.document(name, contents()) for name in asyncapi.names()}
EACH = pytest.mark.parametrize("name", DOCUMENTS)


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What AsyncAPI's own parser found in each document, and in one that is broken."""
    folder = tmp_path_factory.mktemp("asyncapi")
    for name in ("package.json", "package-lock.json", "parse.mjs"):
        shutil.copy(HERE / name, folder)
    manager = npm(folder)
    subprocess.run([*manager, "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)
    broken = {"broken": DOCUMENTS["partner"] | {"channels": {"x": {"address": 3}}}}
    for name, document in (DOCUMENTS | broken).items():
        (folder / name).write_text(json.dumps(document))
    node = "node" if len(manager) == 1 else manager[0]
    done = subprocess.run(
        [node, "parse.mjs", *DOCUMENTS, "broken"], cwd=folder, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


@EACH
def test_document_is_valid_by_asyncapis_own_parser(parsed: Any, name: str) -> None:
    assert parsed[name]["errors"] == []
    assert parsed["broken"]["errors"] != []


@EACH
def test_document_names_each_message_and_schema(parsed: Any, name: str) -> None:
    known = DOCUMENTS[name]["components"]["messages"]
    headers = {each: f"{camel(event)}Headers" for event, kind in every_kind() for each in [camel(kind)]}
    headers |= {name: f"{name}Headers" for name in ("PartHandedOver", "InboxEnd")}
    headers |= {"RecordRefused": "", "FactNoticed": ""}
    wanted = [[each, each, headers[each]] for each in known]
    assert sorted(map(list, {tuple(found) for found in parsed[name]["names"]})) == sorted(wanted)


def test_documents_are_one_for_each_part_and_the_partner() -> None:
    assert list(DOCUMENTS) == [*topics.SOURCE_PARTS, "partner"]


def operations(name: str, action: str) -> dict[str, list[str]]:
    """Topic -> messages of the operations of a document."""
    document = DOCUMENTS[name]
    found = {}
    for operation in document["operations"].values():
        if operation["action"] == action:
            channel = document["channels"][operation["channel"]["$ref"].rsplit("/", 1)[-1]]
            address = channel["address"].replace("{locality}", "meir").replace("{partner}", "hub")
            found[address] = [each["$ref"].rsplit("/", 1)[-1] for each in operation["messages"]]
    return found


def test_a_part_listens_to_those_topics_and_no_others() -> None:
    options = Options(KafkaConnection("localhost:1"), "mongodb://localhost:1", "none", b"key")
    streams = Kernel(TOY, options, ["meir", "leek-werrington"])._consumers
    listened = [topic for stream in streams for topic in stream._subscriber.topic_names]
    assert listened == [*topics.event_topics("meir"), *topics.event_topics("leek-werrington")]


@EACH
def test_document_receives_what_the_stream_subscribes_to(name: str) -> None:
    received = operations(name, "receive")
    beside = {"in.meir.hub"} if name == "referral" else {"refused.meir.hub"} if name == "partner" else set()
    assert received.keys() == {*topics.event_topics("meir"), *beside}
    for event in topics.EVENTS:
        kinds = [camel(kind) for each, kind in every_kind() if each == event]
        assert received[topics.topic("meir", event)] == [*kinds, "PartHandedOver"]


@pytest.mark.parametrize("part", topics.SOURCE_PARTS)
def test_part_sends_what_the_authority_table_lets_it_say(part: topics.SourcePart) -> None:
    # Admission copies what partners say.
    roles: list[SourceRole] = [part, "partner"] if part == "referral" else [part]
    told = {"refused.meir.hub": {"RecordRefused", "FactNoticed"}}
    wanted: dict[str, set[str]] = told if part == "referral" else {}
    for role in roles:
        for event, kind in said_by(role):
            wanted.setdefault(topics.topic("meir", event), set()).add(camel(kind))
    assert {topic: set(kinds) for topic, kinds in operations(part, "send").items()} == wanted


def test_partner_sends_to_its_inbox_alone() -> None:
    assert operations("partner", "send") == {"in.meir.hub": operations("referral", "receive")["in.meir.hub"]}
    assert set(operations("partner", "send")["in.meir.hub"]) - {"InboxEnd"} == {
        camel(kind) for _, kind in said_by("partner")
    }


def made_in(service: str) -> Iterator[str]:
    """The kinds of facts that the code of a service makes."""
    models = {model.__name__ for model in outcomes.Outcome.__subclasses__()}
    for path in (ROOT / "services" / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name in models | {"ReferralCreated", "MeetingBooked"}:
                    yield name


@pytest.mark.parametrize("service", topics.PARTS)
def test_service_makes_the_kinds_that_its_parts_send(service: topics.Part) -> None:
    declared = {camel(kind) for part in parts_of_service(service) for _, kind in said_by(part)}
    assert set(made_in(service)) <= declared
    # Nothing is taken back for a wrong person by our own pages of referral.
    assert declared - set(made_in(service)) <= {"Retracted"}


def test_groups_and_rights_are_those_of_the_bus() -> None:
    localities = load_localities()
    granted = set(declare(localities).grants)
    for part, service in SERVICE_OF.items():
        receive = DOCUMENTS[part]["operations"]["receiveReferralCreated"]["bindings"]["kafka"]["groupId"]
        for slug in localities.slugs:
            name = topics.group(slug, service)
            assert re.search(receive["pattern"], name)
            assert Grant(service, "group", "literal", name, "read") in granted
    inbox = DOCUMENTS["referral"]["operations"]["receiveInbox"]["bindings"]["kafka"]["groupId"]
    assert inbox["const"] == topics.ADMISSION_GROUP
    theirs = DOCUMENTS["partner"]["operations"]["receiveRefusals"]["bindings"]["kafka"]["groupId"]["pattern"]
    assert re.search(theirs, "meir.vast-hub.followers")
    assert not re.search(theirs, "meir.matching")


def test_servers_ask_for_what_clients_are_given() -> None:
    servers, schemes = (DOCUMENTS["booking"][each] for each in ("servers", "components"))
    ways = [
        schemes["securitySchemes"][each["$ref"].rsplit("/", 1)[-1]]["type"]
        for each in servers["production"]["security"]
    ]
    assert (servers["production"]["protocol"], ways) == ("kafka-secure", ["scramSha512", "X509"])
    assert servers["development"]["protocol"] == "kafka"


def test_topics_have_the_settings_with_which_they_are_made() -> None:
    channels = DOCUMENTS["partner"]["channels"]
    for name, partitions, settings in (
        ("MeetingBooked", PARTITIONS, events_kept()),
        ("Inbox", PARTNER_PARTITIONS, partners_kept()),
        ("Refusals", PARTNER_PARTITIONS, partners_kept()),
    ):
        kafka = channels[name]["bindings"]["kafka"]
        assert kafka["partitions"] == partitions
        assert {key: str(kafka["topicConfiguration"][key]) for key in settings} == settings


def test_headers_are_those_that_we_write_and_admission_adds() -> None:
    written = {name for name, _ in said(created("meir")).headers()}
    receipt = {INBOX_HEADER, PARTITION_HEADER, OFFSET_HEADER, TABLE_HEADER}
    for event in topics.EVENTS:
        headers = DOCUMENTS["casework"]["components"]["schemas"][f"{camel(event)}Headers"]
        assert written | receipt <= set(headers["properties"])
        assert set(headers["required"]) <= written


def bundled(document: Any, name: str) -> Any:
    """A schema of the document by itself."""
    return {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


@EACH
def test_examples_fit_the_schemas_of_their_messages(name: str) -> None:
    document = DOCUMENTS[name]
    for message in document["components"]["messages"].values():
        for example in message["examples"]:
            for part in ("payload", "headers"):
                if part in example:
                    schema = bundled(document, message[part]["$ref"].rsplit("/", 1)[-1])
                    jsonschema.validate(example[part], schema, jsonschema.Draft202012Validator)


def test_documents_say_nothing_that_draft_07_does_not_know() -> None:
    """AsyncAPI's schemas are a superset of draft 07: later keywords would be passed over in silence."""
    later = {
        "prefixItems",
        "unevaluatedProperties",
        "unevaluatedItems",
        "dependentRequired",
        "$dynamicRef",
        "$defs",
    }

    def keywords(value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for each in value:
                yield from keywords(each)
        elif isinstance(value, dict):
            for name, each in value.items():
                yield name
                yield from keywords(each)

    for document in DOCUMENTS.values():
        assert not later & set(keywords(document["components"]["schemas"]))


def test_service_document_names_its_localities() -> None:
    document = service_document(parts_of_service("matching"), contents(), ["meir"])
    assert document["channels"]["ReferralCreated"]["parameters"]["locality"]["enum"] == ["meir"]
    assert set(document["operations"]) == {
        each for part in parts_of_service("matching") for each in DOCUMENTS[part]["operations"]
    }
