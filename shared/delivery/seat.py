"""Who starts in the seat of a process that died says so, and nobody has to wait until it is found dead.

A group gives a dead member's partitions to others once its session has timed out, and a lease ends by itself:
three seconds each. But whoever is started in the same seat (by its supervisor, in its pod) knows that its
predecessor is dead, and takes it out of its groups and ends its leases. Static membership would do the first
of these, but a member of that kind never leaves, also where it is stopped and nobody comes after it.

Were two processes given one seat, the later would put the earlier out of its groups, once, and that one would
join again: a waste, and no harm, as safety rests on neither groups nor leases.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from shared.events.topics import Part, group

_log = logging.getLogger(__name__)
_MOST_SECONDS: Final = 2.0
"""Longer than that is no gain: a session times out after three."""


def client_id(part: Part, locality: str, seat: str) -> str:
    """What the broker is told of who a member is."""
    return f"linkwork-{part}-{locality}{f'-{seat}' if seat else ''}"


async def leave_for_predecessor(bootstrap: str, part: Part, localities: Sequence[str], seat: str) -> None:
    """Takes whoever sat here before out of its groups. Before this process joins them: it has the same name.

    Where the broker is away, or does not let us, the groups find out by themselves. Nothing without a seat.
    """
    if not seat:
        return
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            left = await _leave(
                bootstrap, {group(name, part): client_id(part, name, seat) for name in localities}
            )
    except (KafkaError, OSError, TimeoutError) as error:
        _log.warning("a predecessor may still be in its groups: %s", type(error).__name__)
    else:
        if left:
            _log.info("left %d groups for a predecessor that died", left)


async def _leave(bootstrap: str, members: dict[str, str]) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return sum(await asyncio.gather(*(_leave_one(admin, *each) for each in members.items())))
    finally:
        await admin.close()


async def _leave_one(admin: AIOKafkaAdminClient, of: str, client: str) -> int:
    coordinator = await admin.find_coordinator(of)
    (described,) = await admin.describe_consumer_groups([of], coordinator)
    ((error, _, _, _, _, members, *_),) = described.groups
    if error:
        raise for_code(error)
    dead = [member for member, by, *_ in members if by == client]
    for member in dead:
        answer = await admin._send_request(LeaveGroupRequest(of, member), coordinator)  # noqa: SLF001  # no other way
        if answer.error_code:
            raise for_code(answer.error_code)
    return len(dead)
