"""A locality with two partners and another whose name begins alike, on a broker with the declared rights."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from shared.contract.events.topics import PARTS, dead_letter_topic, event_topics, topic
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import CONTROL_TOPIC, Declaration, Grant, Partner, declare
from shared.platform.access.render import apply
from shared.platform.access.users import new_password
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities, Source, load_localities
from tests.harness.delivery.toy import locality_name


@dataclass(frozen=True)
class Place:
    """A locality with two partners, another whose name begins alike, and the users of both."""

    kafka: KafkaConnection
    broker: int
    localities: Localities
    declared: Declaration
    passwords: dict[str, str]
    here: str
    alike: str

    def as_user(self, user: str) -> KafkaConnection:
        return self.kafka.as_user(user, SecretStr(self.passwords[user]))

    @property
    def partner(self) -> Partner:
        return Partner(self.here, "vast-hub")

    @property
    def topics(self) -> list[str]:
        """One topic of each kind."""
        partners = (self.partner, Partner(self.here, "vast"), Partner(self.alike, "vast-hub"))
        return [
            *event_topics(self.here),
            topic(self.alike, "referral-created"),
            *(name for each in partners for name in (each.inbox, each.refusals)),
            dead_letter_topic("matching"),
            dead_letter_topic("referral"),
            CONTROL_TOPIC,
            f"{self.here}-unknown",
        ]

    @property
    def groups(self) -> list[str]:
        """One group of each kind."""
        partners = (self.partner, Partner(self.here, "vast"), Partner(self.alike, "vast-hub"))
        return [
            *(f"{self.here}.{part}" for part in PARTS),
            f"{self.alike}.matching",
            *(f"{each.group_prefix}one" for each in partners),
            f"{self.here}-unknown",
        ]


async def change(place: Place, granted: Sequence[Grant], withdrawn: Sequence[Grant]) -> None:
    """Grants and withdraws rights, and waits until the broker holds it so."""
    async with Cluster(place.kafka) as cluster:
        await cluster.create(granted)
        await cluster.remove(withdrawn)
        await cluster.until_held(granted, withdrawn)


def _localities(here: str, alike: str) -> Localities:
    known = load_localities()
    longton = known.by_slug["longton"]

    def named(slug: str, *partners: str) -> Any:
        rows = {f"/{slug}/{name}": Source(f"/{slug}/{name}", "partner", 10, "own") for name in partners}
        ours = {f"/{slug}/matching": Source(f"/{slug}/matching", "matching", 40, "own")}
        return replace(longton, slug=slug, sources=MappingProxyType(rows | ours))

    return Localities(known.name, known.hub, (named(here, "vast-hub", "vast"), named(alike, "vast-hub")), ())


@asynccontextmanager
async def guarded_place(kafka: KafkaConnection) -> AsyncIterator[Place]:
    here = locality_name()
    localities = _localities(here, f"{here}park")
    declared = declare(localities)
    passwords = {user: new_password() for user in declared.users}
    async with Cluster(kafka) as cluster:
        (broker,) = await cluster.brokers()
        await cluster.store_users(passwords)
        await apply(cluster, declared, lambda _: passwords)
    made = Place(kafka, broker, localities, declared, passwords, here, f"{here}park")
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    present = set(await admin.list_topics())
    await admin.create_topics([NewTopic(name, 1, 1) for name in made.topics if name not in present])
    await admin.close()
    yield made
