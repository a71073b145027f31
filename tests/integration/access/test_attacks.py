"""The attacks by which a stranger once harmed a person, each tried by real clients on a guarded broker."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from services.referral.definition import service_definition
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope
from shared.contract.events.models import MeetingBooked
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import event_topics, group, topic
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.platform.access.declaration import ADMISSION, Partner
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.access.attempts import Attempts
from tests.harness.access.place import Place
from tests.harness.delivery.toy import NOW, created, said
from tests.harness.referral.admission import heard

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKER, OTHER = "lw-longton-1", "lw-longton-2"


@dataclass
class Scene:
    """A referral of ours with a meeting, on a broker with rights, and a partner that did not make it."""

    place: Place
    kernel: Kernel[Any, Any]
    referral: str
    meeting: Envelope
    meeting_id: str

    @property
    def attacker(self) -> Partner:
        return Partner(self.place.here, "vast")

    @property
    def about(self) -> dict[str, Any]:
        return {"referral_id": self.referral, "locality": self.place.here}

    def as_attacker(self) -> KafkaConnection:
        return self.place.as_user(self.attacker.user)

    async def put(self, event: Envelope) -> None:
        """Puts an event into the attacker's own inbox, which is all that it may write."""
        await publish(self.as_attacker(), self.attacker.inbox, event)

    async def code_of(self, event: Envelope) -> str:
        """The code by which the attacker is told that an event is refused."""
        await self.put(event)
        topics, named = [self.attacker.refusals], event.id.encode()
        (line,) = await heard(
            self.place.kafka, topics, 1, wanted=lambda record: named in (record.value or b"")
        )
        return RecordRefused.model_validate_json(line.value or b"").code.value

    async def view_with(self, event: Envelope) -> Mapping[str, Any]:
        """The view of the referral once the service has this event."""
        async with asyncio.timeout(15):
            while True:
                facts = await self.kernel.facts(self.place.here, self.referral)
                if any(fact.id == event.id for fact in facts):
                    row = await self.kernel.stored(self.place.here, self.referral)
                    assert row is not None
                    view: Mapping[str, Any] = row["view"]
                    return view
                await asyncio.sleep(0.02)


async def publish(kafka: KafkaConnection, name: str, event: Envelope) -> None:
    async with AIOKafkaProducer(**kafka.client_arguments()) as producer:
        key = event.body.referral_id.encode()
        await producer.send_and_wait(name, event.raw, key=key, headers=event.headers())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(place: Place, mongo_url: str) -> AsyncIterator[Kernel[Any, Any]]:
    """Admission and the referral service's fold, each under its own user."""
    database = f"test_{place.here}_attacks"
    options = Options(place.as_user(ADMISSION), mongo_url, database, b"a key", session_timeout_ms=3000)
    mongo = Mongo(mongo_url, database, name="test-attacks")
    table = ProgrammeTable(place.localities)
    admission = Admission(
        options, table, RefusalKeeper(mongo), InboxEnds(mongo), [place.here], 1000.0, system_clock
    )
    as_referral = Options(place.as_user("referral"), mongo_url, database, b"a key", session_timeout_ms=3000)
    kernel = Kernel(service_definition(place.localities), as_referral, [place.here])
    async with kernel.running():
        admission.start()
        yield kernel
        await admission.stop()
    await mongo.client.drop_database(database)
    await mongo.close()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(place: Place, services: Kernel[Any, Any]) -> Scene:
    creation = said(created(place.here))
    referral = creation.body.referral_id
    booked = MeetingBooked(
        referral_id=referral,
        locality=place.here,
        meeting_id=new_id(),
        sequence=0,
        link_worker=WORKER,
        practice="M83100",
        starts_at=NOW,
        minutes=45,
    )
    made = Scene(place, services, referral, said(booked, "matching"), booked.meeting_id)
    for user, event in (("referral", creation), ("matching", made.meeting)):
        await publish(place.as_user(user), event.topic(), event)
    view = await made.view_with(made.meeting)
    assert (view["open"], view["link_worker"]) == (True, WORKER)
    return made


async def test_anonymous_client_forges_nothing_and_reads_nothing(scene: Scene) -> None:
    stranger = KafkaConnection(scene.place.kafka.bootstrap).client_arguments()
    for client in (
        AIOKafkaProducer(**stranger, request_timeout_ms=3_000),
        AIOKafkaConsumer(topic(scene.place.here, "referral-created"), **stranger, request_timeout_ms=3_000),
    ):
        with pytest.raises(KafkaError):
            await client.start()
        await client.stop()


async def test_unlisted_source_erases_and_retracts_nothing(scene: Scene) -> None:
    erased = o.PersonErased(**scene.about, person_ref=new_id())
    retracted = o.Retracted(
        **scene.about,
        event_source=scene.meeting.source,
        event_id=scene.meeting.id,
        reason=v.RetractReason.ENTERED_IN_ERROR,
    )
    for body in (erased, retracted):
        forged = said(body, "stranger")
        with pytest.raises(TopicAuthorizationFailedError):
            await publish(scene.as_attacker(), forged.topic(), forged)
        assert await scene.code_of(forged) == "wrong_source"
        # A record that lay there before rights were checked.
        await publish(scene.place.kafka, forged.topic(), forged)
        view = await scene.view_with(forged)
        assert (view["open"], view["meeting"]["id"]) == (True, scene.meeting_id)


async def test_partner_erases_and_retracts_nothing_of_ours(scene: Scene) -> None:
    about, mine = scene.about, scene.attacker.name
    erased = said(o.PersonErased(**about, person_ref=new_id()), mine)
    await scene.put(erased)
    assert (await scene.view_with(erased))["open"]
    meeting = scene.meeting
    reason = v.RetractReason.ENTERED_IN_ERROR
    undone = o.Retracted(**about, event_source=meeting.source, event_id=meeting.id, reason=reason)
    assert await scene.code_of(said(undone, mine)) == "not_your_fact"


async def test_forged_handover_shows_the_case_to_nobody_else(scene: Scene) -> None:
    handed = o.LinkWorkerChanged(**scene.about, link_worker=OTHER)
    in_our_name = said(handed, "casework")
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(scene.as_attacker(), in_our_name.topic(), in_our_name)
    assert await scene.code_of(in_our_name) == "wrong_source"
    in_its_own = said(handed, scene.attacker.name)
    await scene.put(in_its_own)
    assert (await scene.view_with(in_its_own))["link_worker"] == WORKER


async def test_foreign_client_joins_no_group_and_commits_nothing(scene: Scene) -> None:
    here, name = scene.place.here, topic(scene.place.here, "referral-created")
    thief = AIOKafkaConsumer(
        *event_topics(here), group_id=group(here, "matching"), **scene.as_attacker().client_arguments()
    )
    with pytest.raises(GroupAuthorizationFailedError):
        await thief.start()
    await thief.stop()
    async with Attempts(scene.as_attacker(), scene.place.broker) as tries:
        for each in scene.place.groups:
            if not each.startswith(scene.attacker.group_prefix):
                assert not await tries.join(each), each
                assert not await tries.commit(each, name), each


async def test_foreign_client_deletes_no_topic(scene: Scene) -> None:
    async with Attempts(scene.as_attacker(), scene.place.broker) as tries:
        for name in scene.place.topics:
            assert not await tries.delete(name), name
            assert not await tries.delete_records(name), name
    admin = AIOKafkaAdminClient(**scene.place.kafka.client_arguments())
    await admin.start()
    assert set(scene.place.topics) <= set(await admin.list_topics())
    await admin.close()
