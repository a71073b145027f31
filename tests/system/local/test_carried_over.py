"""A broker's folder from before there were users starts guarded, with all that it held."""

import tarfile
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.local.access import Access
from deploy.local.kafka import Kafka
from deploy.local.reaper import Reaper
from shared.platform.access.declaration import declare
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import load_localities

# Fifty records in one partition, of which the group has committed one.
FOLDER = Path(__file__).parents[2] / "data/kafka/without-users.tar.gz"
PLACE = TopicPartition("meir.referral-created.v1", 0)


async def test_folder_without_users_is_guarded_and_loses_nothing(tmp_path: Path) -> None:
    with tarfile.open(FOLDER) as packed:
        packed.extractall(tmp_path, filter="data")
    reaper = Reaper()
    reaper.start()
    kafka = Kafka(tmp_path / "kafka", reaper=reaper, log=tmp_path / "kafka.log")
    try:
        await kafka.start()
        access = Access(kafka, declare(load_localities()))
        assert await access.apply()
        assert not await access.apply(), "nothing has changed"
        stranger = AIOKafkaProducer(**KafkaConnection(kafka.connection.bootstrap).client_arguments())
        with pytest.raises(KafkaError):
            await stranger.start()
        await stranger.stop()
        async with AIOKafkaConsumer(
            **access.as_user("matching").client_arguments(),
            group_id="meir.matching",
            enable_auto_commit=False,
        ) as reader:
            reader.assign([PLACE])
            assert await reader.committed(PLACE) == 1
            await reader.seek_to_beginning(PLACE)
            found = [int((await reader.getone()).value) for _ in range(50)]
            assert found == list(range(50))
            assert await reader.end_offsets([PLACE]) == {PLACE: 50}
    finally:
        await kafka.stop()
        reaper.close()
