"""The stores of a hand-over: table, rights, the databases of the part's service and of admission."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka.errors import ClusterAuthorizationFailedError, KafkaError, SecurityDisabled

from linkwork.config import Config
from linkwork.control_commands import author_of
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.hand_over.journal import Journal
from linkwork.hand_over.steps import Stored
from linkwork.tables import NO_TOPIC, read_standing
from services.referral.partners.inbox_ends import ended_epoch
from shared.contract.asyncapi.roles import SERVICE_OF
from shared.contract.events.topics import SourcePart, partner_source
from shared.delivery.control.publishing import Change, change_table
from shared.delivery.mongo.database import Mongo
from shared.delivery.ownership.flip import outbox_left, ownership_of
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import Grant, Partner
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.localities import OURS, Locality
from shared.platform.localities.versions import TableVersion, VersionRefused

_RIGHTS_SECONDS: Final = 30.0


@dataclass
class Stores:
    """The open stores, for one part of one locality.

    Attributes:
        locality: by the newest version of the table, read again by `read_table`.
    """

    config: Config
    part: SourcePart
    locality: Locality
    own: Mongo
    admission: Mongo
    cluster: Cluster
    journal: Journal
    clock: Clock = system_clock
    new_id: NewId = new_id

    @property
    def slug(self) -> str:
        """The slug of the locality."""
        return self.locality.slug

    def partner(self, name: str) -> Partner:
        """The partner of this name in the locality."""
        return Partner(self.slug, name)

    async def read_table(self) -> None:
        """Reads the newest version of the table."""
        self.locality = await locality_of(self.config, self.slug, self.clock())

    async def waiting_version(self) -> TableVersion | None:
        """The newest version, if it waits for its time."""
        standing, now = await read_standing(self.config), self.clock()
        newest = standing.versions.newest if standing else None
        return newest if standing and newest is not standing.versions.standing(now) else None

    async def stored(self) -> Stored:
        """What is stored now. The table is that of the last `read_table`.

        Raises:
            KafkaError, PyMongoError, Transient: a store is away.
        """
        there, part = self.locality, self.part
        owner, epoch, claim = there.owner(part), there.epoch(part), there.claim(part)
        ours = owner == OURS
        decides = ours and (await ownership_of(self.own, self.slug))[part].decides
        names = [source.name for source in there.sources.values() if source.brings == part]
        anywhere, everywhere = await self.writers(names)
        entry = await self.journal.read(epoch + 1, claim)
        return Stored(
            owner=owner,
            epoch=epoch,
            claim=claim,
            decides=decides,
            outbox=await outbox_left(self.own, self.slug, part) if ours and not decides else 0,
            may_write=anywhere,
            may_write_everywhere=everywhere,
            ended=None if ours else await ended_epoch(self.admission, partner_source(self.slug, owner)),
            end_written=entry.end_written,
            marks=entry.marks,
            undone=entry.undone,
        )

    async def writers(self, names: list[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The sources that may write their inbox: on any broker, and on every broker."""
        wanted = {name: self.partner(name).speaks for name in names}
        held = [(await self.cluster.held(broker)).grants for broker in await self.cluster.brokers()]
        anywhere = {name for name, grant in wanted.items() if any(grant in each for each in held)}
        everywhere = {name for name, grant in wanted.items() if all(grant in each for each in held)}
        return frozenset(anywhere), frozenset(everywhere)

    async def grant(self, right: Grant) -> None:
        """Gives a right, and waits until every broker says so itself.

        Raises:
            TimeoutError: one of them does not after half a minute.
        """
        await self.cluster.create([right])
        await self.cluster.until_held([right], [], _RIGHTS_SECONDS)

    async def withdraw(self, right: Grant) -> None:
        """Takes a right away, and waits until every broker says so itself.

        Raises:
            TimeoutError: one of them does not after half a minute.
        """
        await self.cluster.remove([right])
        await self.cluster.until_held([], [right], _RIGHTS_SECONDS)

    async def publish(self, change: Change) -> None:
        """Publishes a change of the table, and reads it again."""
        author = author_of(self.config.operator)
        await change_table(self.config.kafka, self.config.control_topic, change, author, self.clock())
        await self.read_table()


async def locality_of(config: Config, slug: str, now: datetime) -> Locality:
    """A locality by the newest version of the table that is in force, or is made to be at once.

    Raises:
        CommandError: there is no control topic, or no such locality.
    """
    standing = await read_standing(config)
    version = standing.versions.standing(now) if standing else None
    if version is None:
        raise CommandError(NO_TOPIC)
    found = version.localities.by_slug.get(slug)
    if found is None:
        raise CommandError(f"There is no locality {slug}. There are: {', '.join(version.localities.slugs)}.")
    return found


@asynccontextmanager
async def open_stores(
    config: Config, slug: str, part: SourcePart, why: str, clock: Clock = system_clock
) -> AsyncIterator[Stores]:
    """Opens the stores.

    Raises:
        CommandError: a store does not answer or refuses us, or there is no such locality.
    """
    locality = await locality_of(config, slug, clock())
    service = SERVICE_OF[part]
    try:
        async with AsyncExitStack() as open_ones:
            own = await open_ones.enter_async_context(database_of(config, service))
            admission = (
                own
                if service == "referral"
                else await open_ones.enter_async_context(database_of(config, "referral"))
            )
            cluster = await open_ones.enter_async_context(Cluster(config.kafka))
            journal = Journal(own, slug, part, clock, new_id, config.operator, why)
            yield Stores(config, part, locality, own, admission, cluster, journal, clock)
    except ClusterAuthorizationFailedError:
        raise CommandError(
            "The broker refuses us: this user may not alter the cluster. Use the operator's."
        ) from None
    except SecurityDisabled:
        raise CommandError(
            "The broker checks nobody's rights, by which a hand-over shuts the former owner out: set "
            "authorizer.class.name, and start it again."
        ) from None
    except VersionRefused as refused:
        raise CommandError(f"The table cannot be changed: {refused} Run the same command again.") from None
    except (KafkaError, OSError, TimeoutError) as error:
        raise CommandError(
            f"Kafka does not answer at {config.kafka.bootstrap}, or refuses us ({type(error).__name__}). "
            "What is done stays done: run the same command again."
        ) from None
