"""Who starts in the seat of a process that died says so, and nobody has to wait until it is found dead.

A group gives a dead member's partitions to others once its session has timed out, and a lease ends by itself,
as late. But whoever is started in the same seat (by its supervisor, in its pod) knows that its predecessor is
dead, and takes it out of its groups and ends its leases. Static membership would do the first of these, but a
member of that kind never leaves, also where it is stopped and nobody comes after it.

Were two processes given one seat, the later would put the earlier out of its groups, once, and that one would
join again: a waste, and no harm, as safety rests on neither groups nor leases.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import LeaveGroupRequest

from shared.contract.events.topics import Part, group

_log = logging.getLogger(__name__)
_MOST_SECONDS: Final = 2.0
"""A start is held up for no longer, where the broker does not answer."""
_TRY_AGAIN_SECONDS: Final = 0.1


def client_id(part: Part, locality: str, seat: str) -> str:
    """What the broker is told of who a member is."""
    return f"linkwork-{part}-{locality}{f'-{seat}' if seat else ''}"


async def evict_predecessor(bootstrap: str, part: Part, localities: Sequence[str], seat: str) -> None:
    """Takes whoever sat here before out of its groups. Before this process joins them: it has the same name.

    Where the broker is away, or does not let us, the groups find out by themselves. Nothing without a seat.
    """
    if not seat:
        return
    members = {group(name, part): client_id(part, name, seat) for name in localities}
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            left = await _leave(bootstrap, members)
    except Exception as error:  # a courtesy: whatever is wrong here, the streams will say it
        _log.warning("a predecessor may still be in its groups: %s", type(error).__name__)
    else:
        if left:
            _log.info("%d members that died were taken out of their groups", left)


async def _leave(bootstrap: str, members: Mapping[str, str]) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        # To the end of all: one group's trouble is no other's, and nobody works on when this is over.
        each = [_leave_one(admin, of, client) for of, client in members.items()]
        ended = await asyncio.gather(*each, return_exceptions=True)
    finally:
        await admin.close()
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return sum(left for left in ended if isinstance(left, int))


async def _leave_one(admin: AIOKafkaAdminClient, of: str, client: str) -> int:
    while True:  # within the time that all of it may take
        try:
            return await _try_to_leave(admin, of, client)
        except KafkaError as error:
            if not error.retriable:  # a broker that died may be asked, or a coordinator that has moved
                raise
        await asyncio.sleep(_TRY_AGAIN_SECONDS)


async def _try_to_leave(admin: AIOKafkaAdminClient, of: str, client: str) -> int:
    coordinator = await admin.find_coordinator(of)
    # One group at a time: aiokafka reads the third version's answer by the second's form, which does no harm
    # to the first group of an answer.
    (described,) = await admin.describe_consumer_groups([of], coordinator)
    ((error, _, _, _, _, members, *_),) = described.groups
    _refuse(error)
    dead = [member for member, by, *_ in members if by == client]
    for member in dead:
        answer = await admin._send_request(LeaveGroupRequest(of, member), coordinator)  # noqa: SLF001  # no other way
        with contextlib.suppress(UnknownMemberIdError):  # found dead meanwhile
            _refuse(answer.error_code)
    return len(dead)


def _refuse(error: int) -> None:
    if error:
        raise for_code(error)
