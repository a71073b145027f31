"""A cluster's users, rights and quotas, as each broker holds them, and their changes."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from shared.platform.access.declaration import Grant, Operation, Pattern, Quota, Resource
from shared.platform.access.users import users_request
from shared.platform.access.wire import (
    AlterQuotasRequest,
    CreateAclsRequest_v1,
    DeleteAclsRequest_v1,
    DescribeAclsRequest_v1,
    DescribeQuotasRequest,
    DescribeUsersRequest,
    Prepared,
)
from shared.platform.kafka_connection import KafkaConnection

_RESOURCES: Final[Mapping[Resource, int]] = {"topic": 2, "group": 3, "cluster": 4, "transactional_id": 5}
_PATTERNS: Final[Mapping[Pattern, int]] = {"literal": 3, "prefixed": 4}
_OPERATIONS: Final[Mapping[Operation, int]] = {
    "all": 2, "read": 3, "write": 4, "create": 5, "delete": 6, "alter": 7, "describe": 8, "cluster_action": 9,
    "describe_configs": 10, "alter_configs": 11, "idempotent_write": 12,
}  # fmt: skip
_ANY: Final = 1
_ALLOW: Final = 3
_EVERY_HOST: Final = "*"
_USER: Final = "User:"
_QUOTAS: Final = ("producer_byte_rate", "consumer_byte_rate", "request_percentage")
_ANY_MATCH: Final = 2


@dataclass(frozen=True)
class Held:
    """The users and rights of one broker.

    Attributes:
        foreign: rights in a form that the declaration never has, such as a denial, in words.
    """

    users: frozenset[str]
    grants: frozenset[Grant]
    quotas: frozenset[Quota]
    foreign: tuple[str, ...] = ()
    settings: Mapping[str, str | None] = field(default_factory=dict)


class Cluster:
    """A connection with the right to alter the cluster. Use as an asynchronous context manager."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._admin: Any = AIOKafkaAdminClient(**kafka.client_arguments(), request_timeout_ms=15_000)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
        except BaseException:
            await self._admin.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def brokers(self) -> tuple[int, ...]:
        """The ids of all brokers."""
        return tuple(
            sorted(broker["node_id"] for broker in (await self._admin.describe_cluster())["brokers"])
        )

    async def held(self, broker: int, *, settings: Collection[str] = ()) -> Held:
        """The users and rights of this broker, and those of its own settings that are named.

        Raises:
            KafkaError: the broker does not answer, or refuses.
        """
        grants, foreign = await self._grants(broker)
        return Held(
            await self._users(broker),
            grants,
            await self._quotas(broker),
            foreign,
            await self._settings(broker, settings) if settings else {},
        )

    async def create(self, grants: Iterable[Grant]) -> None:
        """Grants these rights."""
        if rows := [_row(grant) for grant in grants]:
            answer = await self._send(CreateAclsRequest_v1(rows))
            _raise_first(code for code, _ in answer.creation_responses)

    async def remove(self, grants: Iterable[Grant]) -> None:
        """Withdraws these rights."""
        if rows := [_row(grant) for grant in grants]:
            answer = await self._send(DeleteAclsRequest_v1(rows))
            _raise_first(response[0] for response in answer.filter_responses)

    async def store_users(self, passwords: Mapping[str, str], removed: Iterable[str] = ()) -> None:
        """Stores users with these passwords, and removes others."""
        request = users_request(passwords, removed)
        answer = await self._admin._send_request(request)  # noqa: SLF001  # no other way
        _raise_first(result[1] for result in answer.results)

    async def store_quotas(self, quotas: Iterable[Quota], removed: Iterable[str] = ()) -> None:
        """Sets these quotas, and lifts those of other users."""
        entries = [
            (
                [("user", quota.user)],
                [(key, float(value), False) for key, value in zip(_QUOTAS, quota[1:], strict=True)],
            )
            for quota in quotas
        ]
        entries += [([("user", user)], [(key, 0.0, True) for key in _QUOTAS]) for user in removed]
        if entries:
            answer = await self._send(AlterQuotasRequest(entries, False))
            _raise_first(entry[0] for entry in answer.entries)

    async def until_held(
        self, granted: Collection[Grant], withdrawn: Collection[Grant], seconds: float = 30.0
    ) -> None:
        """Waits until every broker itself holds the first, and none of the others.

        Raises:
            TimeoutError: one of them does not after so many seconds.
        """
        async with asyncio.timeout(seconds):
            for broker in await self.brokers():
                while not self._has((await self._grants(broker))[0], granted, withdrawn):
                    await asyncio.sleep(0.02)

    @staticmethod
    def _has(held: frozenset[Grant], granted: Collection[Grant], withdrawn: Collection[Grant]) -> bool:
        return held.issuperset(granted) and held.isdisjoint(withdrawn)

    async def _send(self, struct: Any, broker: int | None = None) -> Any:
        return await self._admin._send_request(Prepared(struct), broker)  # noqa: SLF001  # no other way

    async def _grants(self, broker: int) -> tuple[frozenset[Grant], tuple[str, ...]]:
        request = DescribeAclsRequest_v1(_ANY, None, _ANY, None, None, _ANY, _ANY)
        answer = await self._send(request, broker)
        _raise_first([answer.error_code])
        grants: set[Grant] = set()
        foreign: list[str] = []
        for kind, name, pattern, rights in answer.resources:
            for principal, host, operation, permission in rights:
                known = _grant(kind, name, pattern, principal, operation)
                if known is None or host != _EVERY_HOST or permission != _ALLOW:
                    words = "allows" if permission == _ALLOW else "denies"
                    foreign.append(f"{words} {principal} from {host} operation {operation} on {kind}/{name}")
                else:
                    grants.add(known)
        return frozenset(grants), tuple(sorted(foreign))

    async def _users(self, broker: int) -> frozenset[str]:
        answer = await self._send(DescribeUsersRequest(None, {}), broker)
        _raise_first([answer.error_code])
        return frozenset(result[0] for result in answer.results)

    async def _quotas(self, broker: int) -> frozenset[Quota]:
        answer = await self._send(DescribeQuotasRequest([("user", _ANY_MATCH, None)], True), broker)
        _raise_first([answer.error_code])
        found = set()
        for entity, values in answer.entries or ():
            limits = dict(values)
            name = next(name for kind, name in entity if kind == "user")
            found.add(Quota(name or "<default>", *(int(limits.get(key, 0)) for key in _QUOTAS)))
        return frozenset(found)

    async def _settings(self, broker: int, names: Collection[str]) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker), dict.fromkeys(names))
        (answer,) = await self._admin.describe_configs([resource])
        ((code, _, _, _, entries),) = answer.resources
        _raise_first([code])
        return {entry[0]: entry[1] for entry in entries}


def _row(grant: Grant) -> tuple[int, str, int, str, str, int, int]:
    return (
        _RESOURCES[grant.resource],
        grant.name,
        _PATTERNS[grant.pattern],
        _USER + grant.user,
        _EVERY_HOST,
        _OPERATIONS[grant.operation],
        _ALLOW,
    )


def _grant(kind: int, name: str, pattern: int, principal: str, operation: int) -> Grant | None:
    """The grant that these codes mean, or None if the declaration has no word for one of them."""
    resource = next((word for word, code in _RESOURCES.items() if code == kind), None)
    form = next((word for word, code in _PATTERNS.items() if code == pattern), None)
    deed = next((word for word, code in _OPERATIONS.items() if code == operation), None)
    if resource is None or form is None or deed is None or not principal.startswith(_USER):
        return None
    return Grant(principal.removeprefix(_USER), resource, form, name, deed)


def _raise_first(codes: Iterable[int]) -> None:
    for code in codes:
        if code:
            raise for_code(code)()
