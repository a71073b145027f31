"""A topic `.v2` beside `.v1`: readers of `.v1` go on as if it were not there."""

import json

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contract import asyncapi
from shared.contract.asyncapi.loading import contents
from shared.contract.events.topics import event_type, topic
from tests.harness.delivery.toy import Bench, created, said


async def test_second_version_beside_the_first_disturbs_no_reader(place: Bench) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    await admin.create_topics([NewTopic(topic(place.locality, "referral-created", 2), 3, 1)])
    await admin.close()
    first, other = said(created(place.locality)), said(created(place.locality))
    # In the second version `needs` are objects: whoever read it as the first would refuse it.
    body = json.loads(first.raw) | {"needs": [{"code": "debt", "weight": 2}]}
    second = dict(first.headers()) | {"ce_type": event_type("referral-created", 2).encode()}
    async with place.kernel().running() as kernel:
        for event in (first, other):
            await place.producer.send_and_wait(
                topic(place.locality, "referral-created", 2),
                json.dumps(body).encode(),
                key=event.body.referral_id.encode(),
                headers=list(second.items()),
            )
            await place.say(event)
            view = await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 15
            )
            assert view is not None
    # A reader that a partner built on the document of version 1 subscribes to its addresses.
    channels = asyncapi.document(asyncapi.PARTNER, contents())["channels"]
    address = channels["ReferralCreated"]["address"].format(locality=place.locality)
    heard = await place.whole(address)
    assert sorted(dict(record.headers)["ce_id"].decode() for record in heard) == sorted([first.id, other.id])
    assert await place.dead_letters(1, seconds=0.5) == []
