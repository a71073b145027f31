"""Renders the declaration on a cluster, and says whether every broker holds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.platform.access.cluster import Cluster
from shared.platform.access.comparison import SETTINGS, Difference, compare, settings_findings
from shared.platform.access.declaration import Declaration

# Gives the passwords of users that the cluster does not have yet.
Passwords = Callable[[tuple[str, ...]], Mapping[str, str]]


@dataclass(frozen=True)
class Finding:
    """One broker's deviations: changes that it lacks, and settings that break the declaration."""

    broker: int
    difference: Difference
    settings: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """True if the broker holds the declaration."""
        return self.difference.is_empty and not self.settings


async def plan(cluster: Cluster, declared: Declaration, *, with_users: bool = True) -> Difference:
    """The changes that `apply` would make."""
    first, *_ = await cluster.brokers()
    return compare(declared, await cluster.held(first), with_users=with_users)


async def apply(
    cluster: Cluster, declared: Declaration, passwords: Passwords, *, with_users: bool = True
) -> Difference:
    """Makes the cluster hold the declaration, and waits until every broker does.

    Rights are withdrawn before users: a session outlives its user. Returns the changes made.

    Raises:
        KafkaError: a broker does not answer, or refuses.
        TimeoutError: a broker still holds other rights after half a minute.
    """
    changes = await plan(cluster, declared, with_users=with_users)
    if changes.users:
        await cluster.store_users(passwords(changes.users))
    await cluster.create(changes.grants)
    await cluster.store_quotas(changes.quotas)
    if changes.withdrawn_grants:
        await cluster.remove(changes.withdrawn_grants)
    if changes.grants or changes.withdrawn_grants:
        await cluster.until_held(set(changes.grants), set(changes.withdrawn_grants))
    if changes.withdrawn_users:
        await cluster.store_users({}, changes.withdrawn_users)
    if changes.lifted_quotas:
        await cluster.store_quotas((), changes.lifted_quotas)
    return changes


async def check(cluster: Cluster, declared: Declaration, *, with_users: bool = True) -> tuple[Finding, ...]:
    """The differences of each broker from the declaration, one finding a broker."""
    found = []
    for broker in await cluster.brokers():
        held = await cluster.held(broker, settings=SETTINGS)
        difference = compare(declared, held, with_users=with_users)
        found.append(Finding(broker, difference, tuple(settings_findings(held))))
    return tuple(found)
