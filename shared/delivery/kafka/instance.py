"""Instance ids.

A process evicts its predecessor with the same id, so that a restart does not wait for timeouts.

A group reassigns a dead member's partitions after the session timeout, and a dead process's leases lapse as
late. A supervisor or a pod starts a process again under the same instance id, so the new process knows that
its predecessor is dead. It removes the predecessor's members from the groups and ends its leases. Kafka's
static membership would do the first, but a static member never leaves, even if it is stopped for good.

If two processes have one id by mistake, the later evicts the earlier once, and the earlier joins again. No
data is at risk, because safety rests on neither groups nor leases.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from shared.contract.events.topics import Part, group
from shared.platform.kafka_connection import KafkaConnection

_log = logging.getLogger(__name__)
# A start waits no longer for a broker that does not answer.
_MAX_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 0.1


def client_id(service: Part, locality: str, instance_id: str) -> str:
    """The client id of a group's member, by which a successor recognises it.

    A group gives the remaining partitions to its first members in the order of these ids. A digest makes the
    order another one in each locality, so that no replica has the larger share everywhere.
    """
    if not instance_id:
        return f"linkwork-{service}-{locality}"
    order = sha256(f"{locality}/{instance_id}".encode()).hexdigest()[:8]
    return f"linkwork-{service}-{locality}-{order}-{instance_id}"


async def evict_predecessor(
    kafka: KafkaConnection, service: Part, localities: Sequence[str], instance_id: str
) -> None:
    """Removes the members with this instance id from the groups, before this process joins under the same id.

    If the broker is away or refuses, the session timeout removes them. Does nothing without an instance id.
    """
    if instance_id:
        members = {group(name, service): client_id(service, name, instance_id) for name in localities}
        await evict_members(kafka, members)


async def evict_members(kafka: KafkaConnection, members: Mapping[str, str]) -> None:
    """Removes from each group the members with this client id. A broker that is away is only logged."""
    try:
        async with asyncio.timeout(_MAX_SECONDS):
            left = await _evict(kafka, members)
    except Exception as error:  # Eviction only saves time. The consumers report a broker that is away.
        _log.warning("a predecessor may still be in its groups: %s", type(error).__name__)
    else:
        if left:
            _log.info("%d members that died were taken out of their groups", left)


async def _evict(kafka: KafkaConnection, members: Mapping[str, str]) -> int:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    try:
        await admin.start()
        # Wait for all groups: an error of one does not stop the others, and no task outlives this call.
        each = [_evict_from(admin, name, client) for name, client in members.items()]
        ended = await asyncio.gather(*each, return_exceptions=True)
    finally:
        await admin.close()
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return sum(left for left in ended if isinstance(left, int))


async def _evict_from(admin: AIOKafkaAdminClient, name: str, client: str) -> int:
    while True:  # Within the timeout of the whole eviction.
        try:
            return await _try_to_evict(admin, name, client)
        except KafkaError as error:
            if not error.retriable:  # A retriable one: a dead broker was asked, or the coordinator moved.
                raise
        await asyncio.sleep(_RETRY_SECONDS)


async def _try_to_evict(admin: AIOKafkaAdminClient, name: str, client: str) -> int:
    coordinator = await admin.find_coordinator(name)
    # One group a request: aiokafka parses version 3 of the answer as version 2, which is right for the first
    # group only.
    (described,) = await admin.describe_consumer_groups([name], coordinator)
    ((error, _, _, _, _, members, *_),) = described.groups
    _raise_for(error)
    dead = [member for member, owner, *_ in members if owner == client]
    for member in dead:
        request = LeaveGroupRequest(name, member)
        answer = await admin._send_request(request, coordinator)  # noqa: SLF001  # no other way
        with contextlib.suppress(UnknownMemberIdError):  # The session timeout was quicker.
            _raise_for(answer.error_code)
    return len(dead)


def _raise_for(error: int) -> None:
    if error:
        raise for_code(error)
