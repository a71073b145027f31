"""Each user on a real broker may do exactly what the declaration says, and nobody anything else."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import create_conn
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from pydantic import SecretStr

from deploy.local.guard import BROKER
from shared.contract.events.topics import event_topics, topic
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import (
    ADMISSION,
    OPERATOR,
    Grant,
    Partner,
    declare,
)
from shared.platform.access.render import apply, check
from shared.platform.access.users import users_request
from shared.platform.kafka_connection import SCRAM, KafkaConnection
from shared.platform.localities import Localities, Source
from tests.harness.access.attempts import Attempts, may
from tests.harness.access.place import Place

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_user_may_do_what_is_declared(place: Place) -> None:
    users = ["referral", "matching", "notifications", "evaluation", ADMISSION, OPERATOR, place.partner.user]
    users += [Partner(place.here, "vast").user, Partner(place.alike, "vast-hub").user]
    wrong = [
        line
        for found in await asyncio.gather(*(_deviations(place, user) for user in users))
        for line in found
    ]
    assert wrong == []


async def _deviations(place: Place, user: str) -> list[str]:
    """The rights of the user on the broker that differ from the declaration."""
    wrong = []

    def note(done: str, name: str, allowed: bool, declared: bool) -> None:
        if allowed != declared:
            wrong.append(f"{user} {done} {name}: {'allowed' if allowed else 'refused'}")

    def declared(operation: str, resource: str, name: str) -> bool:
        return may(place.declared, user, operation, resource, name)

    async with Attempts(place.as_user(user), place.broker) as tries:
        seen = await tries.topics()
        for name in place.topics:
            note("lists", name, name in seen, declared("describe", "topic", name))
            note("reads", name, await tries.read(name), declared("read", "topic", name))
            note("writes", name, await tries.write(name), declared("write", "topic", name))
            note("deletes of", name, await tries.delete_records(name), declared("delete", "topic", name))
            note("alters", name, await tries.alter(name), declared("alter_configs", "topic", name))
            if not declared("delete", "topic", name):  # Who may would do it.
                note("deletes", name, await tries.delete(name), False)
        readable = next(name for name in place.topics if declared("read", "topic", name))
        for name in place.groups:
            note("joins", name, await tries.join(name), declared("read", "group", name))
            note("commits", name, await tries.commit(name, readable), declared("read", "group", name))
            note("deletes group", name, await tries.delete_group(name), declared("delete", "group", name))
    return wrong


async def test_nobody_without_a_password_is_let_in(place: Place) -> None:
    bootstrap = place.kafka.bootstrap
    strangers = [
        KafkaConnection(bootstrap),
        place.kafka.as_user("matching", SecretStr("a guess")),
        place.kafka.as_user("nobody", SecretStr(place.passwords["matching"])),
        place.kafka.as_user("ANONYMOUS", SecretStr("")),
    ]
    for stranger in strangers:
        admin = AIOKafkaAdminClient(**stranger.client_arguments(), request_timeout_ms=3_000)
        with pytest.raises(KafkaError):
            await admin.start()
        await admin.close()


async def test_controllers_port_lets_no_user_in(place: Place) -> None:
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    names = ConfigResource(ConfigResourceType.BROKER, str(place.broker), {"controller.quorum.voters": None})
    (answer,) = await admin.describe_configs([names])
    await admin.close()
    host, _, port = str(answer.resources[0][4][0][1]).partition("@")[2].rpartition(":")
    user = place.partner.user
    logins: list[dict[str, Any]] = [
        {"security_protocol": "PLAINTEXT"},
        *(
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": mechanism,
                "sasl_plain_username": name,
                "sasl_plain_password": password,
            }
            for mechanism in (SCRAM, "PLAIN")
            for name, password in (
                (user, place.passwords[user]),
                (OPERATOR, place.passwords[OPERATOR]),
                (BROKER, "a guess"),
            )
        ),
    ]
    for login in logins:
        with pytest.raises((KafkaError, OSError, TimeoutError)):
            await _store_a_user(host, int(port), login)
    async with Cluster(place.kafka) as cluster:
        assert "thief" not in (await cluster.held(place.broker)).users


async def _store_a_user(host: str, port: int, login: dict[str, Any]) -> None:
    connection = await create_conn(host, port, request_timeout_ms=2_000, **login)
    await connection.send(users_request({"thief": "a password"}))


async def test_partner_forges_nothing_and_joins_no_group_of_ours(place: Place) -> None:
    """The same by real clients: what a hostile partner would try first."""
    as_partner = place.as_user(place.partner.user).client_arguments()
    async with AIOKafkaProducer(**as_partner) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic(place.here, "outcome-recorded"), b"a forged consent")
        await producer.send_and_wait(place.partner.inbox, b"its own word")
    thief = AIOKafkaConsumer(*event_topics(place.here), group_id=f"{place.here}.matching", **as_partner)
    with pytest.raises(GroupAuthorizationFailedError):
        await thief.start()
    await thief.stop()
    reader = AIOKafkaConsumer(
        *event_topics(place.here), group_id=f"{place.partner.group_prefix}one", **as_partner
    )
    await reader.start()
    assert {each.topic for each in reader.assignment()} == set(event_topics(place.here))
    await reader.stop()


async def test_deviation_is_found_on_the_broker_and_mended(place: Place) -> None:
    writes = Grant("matching", "topic", "prefixed", f"{place.here}.", "write")
    foreign = Grant(place.partner.user, "topic", "prefixed", f"{place.alike}.", "read")
    async with Cluster(place.kafka) as cluster:
        assert all(each.is_empty for each in await check(cluster, place.declared))
        await cluster.remove([writes])
        await cluster.create([foreign])
        await cluster.until_held([foreign], [writes])
        (found,) = await check(cluster, place.declared)
        assert found.difference.grants == (writes,)
        assert found.difference.withdrawn_grants == (foreign,)
        await apply(cluster, place.declared, lambda _: {})
        assert all(each.is_empty for each in await check(cluster, place.declared))


async def test_partner_that_left_is_shut_out_within_its_session(place: Place) -> None:
    gone = Partner(place.here, "vast")
    without = declare(_without(place.localities, gone))
    async with Attempts(place.as_user(gone.user), place.broker) as session, Cluster(place.kafka) as cluster:
        assert await session.write(gone.inbox)
        changes = await apply(cluster, without, lambda _: {})
        assert changes.withdrawn_users == (gone.user,)
        assert not await session.write(gone.inbox)
        assert not await session.read(topic(place.here, "meeting-booked"))
        held = await cluster.held(place.broker)
        assert gone.user not in held.users
        assert gone.user not in {quota.user for quota in held.quotas}
        back = await apply(cluster, place.declared, lambda _: {gone.user: place.passwords[gone.user]})
        assert back.users == (gone.user,)


def _without(localities: Localities, partner: Partner) -> Localities:
    def kept(sources: Mapping[str, Source]) -> MappingProxyType[str, Source]:
        source = f"/{partner.locality}/{partner.name}"
        return MappingProxyType({name: row for name, row in sources.items() if name != source})

    rows = tuple(replace(each, sources=kept(each.sources)) for each in localities)
    return Localities(localities.name, localities.hub, rows, ())
