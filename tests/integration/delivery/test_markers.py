"""Markers of hand-overs: stored with their places, and no dead letter, by consumer, replay and rebuild."""

from dataclasses import dataclass, field

from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import EventName, topic
from shared.delivery.consumer.markers import MARKERS, store_markers
from shared.delivery.model.decision import Decision, DecisionContext, NewEvent
from shared.delivery.rebuild.folding import Folding
from shared.delivery.rebuild.source import Rebuildable
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import NOW, TOY, Bench, created, missed, said


def marker(locality: str, event: EventName = "referral-created", epoch: int = 1) -> Marker:
    body = PartHandedOver(locality=locality, part="booking", epoch=epoch, owner="together")
    return Marker(new_id(), event, NOW, body, body.model_dump_json().encode())


@dataclass
class Placed:
    """A marker at a place of the log."""

    marker: Marker
    topic: str
    offset: int
    partition: int = 0
    key: bytes | None = b"booking"
    value: bytes | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.value, self.headers = self.marker.raw, list(self.marker.headers())


async def test_marker_in_each_partition_is_stored_with_its_place(place: Bench) -> None:
    written = marker(place.locality)
    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        for partition in range(3):
            await place.producer.send_and_wait(
                topic(place.locality, "referral-created"),
                written.raw,
                key=b"booking",
                partition=partition,
                headers=written.headers(),
            )
        await place.say(event)
        seen = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        assert seen is not None
        letters = await place.dead_letters(1, seconds=0.5)
        for _ in range(50):
            rows = [row async for row in kernel.mongo[MARKERS].find({})]
            if len(rows) == 3:
                break
            await place.heard(topic(place.locality, "meeting-booked"), 0, seconds=0.1)
    assert letters == []
    assert {(row["partition"], row["part"], row["epoch"], row["owner"]) for row in rows} == {
        (partition, "booking", 1, "together") for partition in range(3)
    }


async def test_marker_written_twice_keeps_its_first_place(place: Bench) -> None:
    name = topic(place.locality, "referral-created")
    async with place.kernel().running() as kernel:
        for offset in (7, 3, 9):
            at = Placed(marker(place.locality), name, offset)
            await store_markers(kernel.mongo, [(at.marker, at)])
        rows = [row async for row in kernel.mongo[MARKERS].find({})]
    assert [row["offset"] for row in rows] == [3]


async def test_rebuild_stores_markers_and_refuses_none(place: Bench) -> None:
    name = topic(place.locality, "referral-created")
    async with place.kernel().running() as kernel:
        folding = Folding(Rebuildable(TOY, _nothing), kernel.mongo)
        folding.take([Placed(marker(place.locality, epoch=epoch), name, epoch) for epoch in (1, 2)])
        await folding.fold(fresh=True)
        assert (folding.done.records, folding.done.refused, folding.done.facts) == (2, 0, 0)
        assert await kernel.mongo[MARKERS].count_documents({}) == 2


async def _nothing(_: object) -> None:
    """Creates no index."""


async def test_outbox_row_carries_part_and_epoch(place: Bench) -> None:
    body = created(place.locality)
    referral, locality = body.referral_id, place.locality

    def speak(_: object, __: object, context: DecisionContext) -> Decision:
        reply = missed(locality, referral, new_id())
        return Decision([body, NewEvent(reply, part="directory"), missed(locality, referral, new_id())])

    # The broker is away, so the rows stay.
    async with place.kernel(kafka=KafkaConnection("127.0.0.1:1")).running() as kernel:
        await kernel.command(locality, referral, speak, actor="0a-Z9")
        rows = [row async for row in kernel.mongo[OUTBOX].find({"locality": locality})]
        headers = {
            message["h"] if isinstance(message["h"], str) else message["h"].decode()
            for row in rows
            for message in row["m"]
        }
    assert {(row["part"], row["epoch"], len(row["m"])) for row in rows} == {
        ("referral", 0, 1),
        ("directory", 0, 1),
        ("casework", 0, 1),
        ("booking", 0, 1),
    }
    assert all('"ce_actor":"0a-Z9"' in each for each in headers)
