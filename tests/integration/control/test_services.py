"""Running services take new practices, sources, localities and ranks from the control topic."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest_asyncio

import services.evaluation.definition
import services.matching.definition
import services.notifications.definition
import services.referral.definition
from shared.contract.events.models import MeetingBooked
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import Part, inbox_topic, refusals_topic
from shared.contract.events.vocabulary import Route
from shared.delivery.control.publishing import publish_table
from shared.delivery.control.table import Control, ControlTable
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.model.service_definition import ServiceDefinition
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities
from shared.platform.localities.document import read_document
from tests.harness.control import (
    BEGIN,
    NEW_PRACTICE,
    ControlTopic,
    control_topic,
    locality_of,
    shipped,
    until,
    version,
    with_practice,
    with_source,
)
from tests.harness.delivery.toy import TOY, Bench, bench, created, locality_name, said
from tests.harness.referral.admission import heard
from tests.harness.referral.partners import attempt, sent
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import running_referral
from tests.harness.web.issuer import LoopbackIssuer

DEFINITIONS: Final[Mapping[Part, Callable[[Localities], ServiceDefinition[Any, Any]]]] = {
    "referral": services.referral.definition.service_definition,
    "matching": lambda known: replace(
        services.matching.definition.service_definition(known, fold_rules_version=known.fold_rules_version),
        decisions={},  # Meetings come from two partners here, and none of ours.
    ),
    "notifications": services.notifications.definition.folding_definition,
    "evaluation": services.evaluation.definition.service_definition,
}


@pytest_asyncio.fixture
async def topic(kafka: KafkaConnection) -> AsyncIterator[ControlTopic]:
    """A control topic that no other test has."""
    async with control_topic(kafka) as made:
        yield made


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Bench]:
    """A locality and a database that no other test has."""
    async with bench(kafka, mongo_url) as made:
        yield made


def kernel_on(
    place: Bench, topic: ControlTopic, make: Callable[[Localities], ServiceDefinition[Any, Any]], served: str
) -> Kernel[Any, Any]:
    """A service's kernel that follows the topic, with a database of its own."""
    known = Localities.unread()
    definition = make(known)
    control = Control(topic.kafka, topic.name)
    table = ControlTable(definition.name, served, control, known, system_clock)
    options = replace(place.options, database=f"{place.options.database}_{definition.name}")
    return Kernel(definition, options, table)


def named(slug: str) -> dict[str, Any]:
    """The shipped table with this locality in the place of Meir."""
    document = shipped()
    locality_of(document)["slug"] = slug
    return document


async def test_running_service_takes_a_new_practice_and_source(
    tmp_path: Path, issuer: LoopbackIssuer, topic: ControlTopic, mongo_url: str
) -> None:
    async with running_referral(
        tmp_path, issuer, topic.kafka, mongo_url, control_topic=topic.name
    ) as referral:

        async def refer() -> int:
            body = referral_body(practice=NEW_PRACTICE)
            headers = referral.referrer(NEW_PRACTICE) | {"idempotency-key": new_id()}
            answer = await referral.http.post("/api/referral/v1/referrals", json=body, headers=headers)
            return answer.status_code

        assert await refer() == 422
        document = with_practice(dict(read_document(tmp_path / "localities.toml")), referral.here)
        after = with_source(document, "hub", 25, referral.here)
        done = await publish_table(topic.kafka, topic.name, after, "a-test", system_clock())
        assert done is not None
        assert done.changes[0].endswith(f"practice {NEW_PRACTICE} is new.")
        known = referral.context.localities
        await until(lambda: known.version == 2, "version 2")
        assert await refer() == 201
        assert known.rank(f"/{referral.here}/hub") == 25
        ready = (await referral.http.get("/readyz")).json()
        assert ready["table"] == {"version": 2, "newest": 2, "from": "topic"}


async def test_running_admission_follows_who_may_say_what(
    tmp_path: Path, issuer: LoopbackIssuer, topic: ControlTopic, mongo_url: str
) -> None:
    async with running_referral(
        tmp_path, issuer, topic.kafka, mongo_url, control_topic=topic.name
    ) as referral:
        record = sent(attempt(referral.here))

        async def tried() -> int:
            answer = await referral.http.post(
                "/api/contract/v1/validate", json=record.structured(), headers=referral.partner()
            )
            return answer.status_code

        assert await tried() == 200
        document = copy.deepcopy(dict(read_document(tmp_path / "localities.toml")))
        del document["programme"]["says"]["contact_attempted"]["partner"]
        done = await publish_table(topic.kafka, topic.name, document, "a-test", system_clock())
        assert done is not None
        assert done.changes == [
            "programme, says, contact_attempted: partner was “any”, and is not given any more."
        ]
        known = referral.context.localities
        await until(lambda: known.version == 2, "version 2")
        assert await tried() == 422
        source = f"/{referral.here}/vast-hub"
        await referral.producer.send_and_wait(
            inbox_topic(source), record.value, key=record.key, headers=list(record.headers)
        )
        (line,) = await heard(referral.kafka, [refusals_topic(source)], 1)
        told = RecordRefused.model_validate_json(line.value or b"")
        assert (told.code.value, told.pointer) == ("not_yours_to_say", "/data/kind")
        # The fold is as before: no referral is folded again.
        assert known.fold_rules_version(referral.here) == 1


async def test_running_service_consumes_a_new_locality(place: Bench, topic: ControlTopic) -> None:
    newtown = locality_name()
    await create_topics(place.kafka, [newtown])
    document = shipped()
    for each in document["locality"]:
        each["slug"] = locality_name()  # Without topics: their streams wait.
    await topic.publish(version(1, document))
    async with kernel_on(place, topic, lambda _: TOY, "all").running() as kernel:
        assert newtown not in kernel.localities
        entry = {**locality_of(document, kernel.localities[0]), "slug": newtown}
        entry["practices"] = [{"ods": NEW_PRACTICE, "site": "The Village Surgery"}]
        await topic.publish(version(2, document | {"locality": [*document["locality"], entry]}))
        event = said(created(newtown))
        await place.say(event)
        await until(lambda: newtown in kernel.localities, "the new locality")
        view = await kernel.wait_for(newtown, event.body.referral_id, lambda v: v["meetings"] == 1, 15)
        assert view is not None
        assert view["meetings"] == 1  # Decided, too: the new locality has its lease.


async def test_changed_rank_folds_again_in_all_services_alike(place: Bench, topic: ControlTopic) -> None:
    slug = place.locality
    before = with_source(with_source(named(slug), "hub", 25, slug), "clinic", 15, slug)
    await topic.publish(version(1, before))
    referral = created(slug)

    def meeting(link_worker: int, days: int) -> MeetingBooked:
        return MeetingBooked(
            referral_id=referral.referral_id,
            locality=slug,
            meeting_id=new_id(),
            sequence=0,
            link_worker=f"lw-{slug}-{link_worker}",
            practice="M83100",
            starts_at=BEGIN + timedelta(days=days),
            minutes=45,
        )

    events = [
        said(referral, by="hub"),
        said(referral.model_copy(update={"route": Route.HUB}), by="clinic"),
        said(meeting(1, 3), by="hub"),
        said(meeting(2, 40), by="clinic"),
    ]
    async with AsyncExitStack() as running:
        kernels = [
            await running.enter_async_context(kernel_on(place, topic, make, slug).running())
            for make in DEFINITIONS.values()
        ]
        await place.say(*events)
        folded: dict[str, list[Any]] = {each.definition.name: [] for each in kernels}

        async def folded_by(number: int) -> None:
            """Waits for the view of this version's table, and compares it with a fold of the facts."""
            for kernel in kernels:
                name, definition = kernel.definition.name, kernel.definition
                stored = await _stored(kernel, slug, referral.referral_id, number)
                facts = await kernel.facts(slug, referral.referral_id)
                assert stored["view"] == definition.to_document(definition.fold(facts)), name
                folded[name].append(stored["view"])

        await folded_by(1)
        practices = with_practice(before, slug)
        await topic.publish(version(2, practices), version(3, with_source(practices, "clinic", 35, slug)))
        await folded_by(3)
        for name, (first, then) in folded.items():
            assert first != then, name


async def _stored(kernel: Kernel[Any, Any], slug: str, referral: str, rules: int) -> Mapping[str, Any]:
    """The referral's document, once it has its four facts and was folded by these rules."""
    for _ in range(150):
        row = await kernel.stored(slug, referral)
        if row is not None and row["rules"] == rules and len(row["facts"]) == 4:
            return row
        await asyncio.sleep(0.1)
    raise AssertionError(f"{kernel.definition.name} has not folded by version {rules}")
