"""A process with an instance id does not wait for the timeouts of its dead predecessor."""

import asyncio
import os
import sys
import time

import pytest

from shared.contract.events.topics import topic
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import Leases
from shared.platform.web.settings import ServiceSettings
from tests.harness.delivery.toy import Bench, created, said

FOREVER = 60
"""Seconds after which a dead member would be found: longer than any test here."""


async def somebody_dies(place: Bench, instance_id: str, found_after: int) -> None:
    """A process sits down, takes part in the group and is killed."""
    options = place.options
    told = [
        options.mongo_url,
        options.database,
        place.locality,
        instance_id,
        str(found_after),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.harness.delivery.sitter",
        *told,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **options.kafka.environment()},
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"sits\n"
    process.kill()
    await process.wait()


async def test_group_does_not_wait_for_predecessor(place: Bench) -> None:
    event = said(created(place.locality))
    await somebody_dies(place, "matching-2", FOREVER)
    began = time.monotonic()
    async with place.kernel(instance_id="matching-2").running():
        await place.say(event)
        assert await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=20)
    assert time.monotonic() - began < FOREVER / 3


async def test_leases_of_other_instance_id_are_left_alone(place: Bench) -> None:
    event = said(created(place.locality))
    await somebody_dies(place, "matching-2", 6)
    async with place.kernel(instance_id="matching-3").running() as kernel:
        await place.say(event)
        await asyncio.sleep(3)
        assert await kernel.view(place.locality, event.body.referral_id) is None
        found = await kernel.wait_for(
            place.locality, event.body.referral_id, lambda view: view["meetings"] == 1, 20
        )
        assert found is not None, "it was never found dead"


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:1", "a place without a port:many"])
async def test_start_with_broker_away_goes_on(place: Bench, bootstrap: str) -> None:
    began = time.monotonic()
    async with place.kernel(instance_id="matching", kafka=place.kafka.at(bootstrap)).running() as kernel:
        assert time.monotonic() - began < FOREVER / 3
        assert kernel.live()


async def test_leases_of_predecessor_are_free(place: Bench) -> None:
    mongo = Mongo(place.mongo_url, place.options.database)
    before, after, other = (Leases(mongo, name, FOREVER) for name in ("before", "after", "other"))
    try:
        await before.take_over("matching")
        assert await before.take("booking/meir")
        assert await other.take("booking/leek-werrington")
        assert not await after.take("booking/meir"), "it is somebody else's"
        await after.take_over("matching")
        assert await after.take("booking/meir")
        assert not await after.take("booking/leek-werrington"), "nobody said that this one is dead"
        assert not await before.take("booking/meir"), "one that lives all the same finds it taken"
    finally:
        await mongo.close()


async def test_process_without_instance_id_ends_no_leases(place: Bench) -> None:
    mongo = Mongo(place.mongo_url, place.options.database)
    before, after = (Leases(mongo, name, FOREVER) for name in ("before", "after"))
    try:
        await before.take_over("")
        assert await before.take("booking/meir")
        await after.take_over("")
        assert not await after.take("booking/meir")
    finally:
        await mongo.close()


@pytest.mark.parametrize(
    "instance_id", ["@hostname", "matching-2", "linkwork-matching@1.service", "a_b:c", ""]
)
def test_instance_id_from_supervisor_is_accepted(instance_id: str) -> None:
    assert ServiceSettings(env="development", instance_id=instance_id).instance_id == instance_id


@pytest.mark.parametrize("instance_id", ["@hostnmae", "two words", "-x", "é"])
def test_invalid_instance_id_is_refused(instance_id: str) -> None:
    with pytest.raises(ValueError, match="instance_id"):
        ServiceSettings(env="development", instance_id=instance_id)
