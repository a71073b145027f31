"""The commands on the programme's table: publish, show, history, export, check."""

import hashlib
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from aiokafka.errors import KafkaError

from linkwork.access import AccessCommand
from linkwork.config import Config
from linkwork.errors import CommandError
from linkwork.output import as_json, format_time, table
from linkwork.tables import NO_TOPIC, read_standing
from shared.contract.events.topics import (
    event_topics,
    partner_retention_ms,
    partner_topics,
    retention_ms,
)
from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import (
    Standing,
    authority_faults,
    next_version,
    publish_again,
    publish_table,
    standing_versions,
)
from shared.delivery.control.requests import TableKeeper, TableRequests
from shared.delivery.kafka.partitions import partitions_of, retention_of
from shared.delivery.kafka.topics import create_topics
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import system_clock
from shared.platform.localities import Localities, LocalitiesError
from shared.platform.localities.differences import differences
from shared.platform.localities.document import Document, read_document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_hand_overs_of
from shared.platform.localities.versions import (
    EXPORT_SUFFIX,
    TableVersion,
    VersionRefused,
    exported,
    read_export,
)

MAKE_TOPICS: Final = (
    "`linkwork control publish --apply --passwords FOLDER` makes topics, users and rights that are missing."
)
_HEAD: Final = ("VERSION", "MADE", "IN FORCE FROM", "AUTHOR", "STATE", "DIFFERENCES")


def author_of(operator: str) -> str:
    """The operator as versions name them: a digest, because partners may read the topic."""
    return f"operator-{hashlib.sha256(operator.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class ControlCommand:
    """One command on the table.

    Attributes:
        file: a localities file; or, to publish, an export of the topic.
        number: the version to show; None means the one in force.
        access: gives the users and rights that a table asks for, before it is published, as its topics are
            made; None leaves both to the operator.
    """

    verb: Literal["publish", "show", "history", "export", "check", "keep"]
    file: Path | None = None
    in_force_from: datetime | None = None
    number: int | None = None
    as_json: bool = False
    access: AccessCommand | None = None

    async def run(self, config: Config) -> int:
        """Runs the command and returns its exit code."""
        try:
            if self.verb == "publish":
                return await self._publish(config)
            if self.verb == "keep":
                return await self._keep(config)
            standing = await read_standing(config)
            if standing is None:
                raise CommandError(NO_TOPIC)
            for refused in standing.refused:
                print(f"Refused ({refused.code}): {refused}", file=sys.stderr)
            if self.verb == "check":
                return await self._check(config, standing)
            return self._show(standing)
        except NoControlTopic:
            raise CommandError(NO_TOPIC) from None
        except (VersionRefused, LocalitiesError) as wrong:
            raise CommandError(f"Nothing was published. {wrong}") from None
        except (KafkaError, OSError) as error:
            raise CommandError(f"Kafka does not answer, or refuses us ({type(error).__name__}).") from error

    async def _publish(self, config: Config) -> int:
        file = self.file or config.localities_file
        if file.suffix == EXPORT_SUFFIX:
            if self.access is not None:
                raise CommandError(
                    "--apply goes with a localities file; after an export, `access apply` does it."
                )
            versions = await publish_again(config.kafka, config.control_topic, read_export(file))
            print(f"{len(versions)} versions published again." if versions else "The topic holds them all.")
            return 0
        now = system_clock()
        if self.in_force_from is not None and self.in_force_from < now:
            raise CommandError("A version cannot be in force from a time that has passed.")
        author, document = author_of(config.operator), read_document(file)
        if self.access is not None:
            await self._prepare(config, self.access, document, author, now)
        done = await publish_table(
            config.kafka, config.control_topic, document, author, now, self.in_force_from
        )
        if done is None:
            print("Nothing differs from the newest version: nothing was published.")
            return 0
        for change in done.changes:
            print(change)
        begins = format_time(done.version.in_force_from)
        print(f"Version {done.version.number} is published, in force from {begins}.")
        for problem in await _topic_problems(config, done.version.localities):
            print(problem, file=sys.stderr)
        return 0

    async def _keep(self, config: Config) -> int:
        """Publishes what administrators ask for on pages, until it is stopped."""
        mongo = Mongo(config.mongo_url, config.database("referral"))
        access = self.access

        async def prepare(table_: Localities) -> None:
            if access is not None:
                await _give(config, access, table_)

        keeper = TableKeeper(
            TableRequests(mongo),
            config.kafka,
            config.control_topic,
            system_clock,
            prepare if access else None,
        )
        print("Publishes what administrators ask for. Ctrl-C ends it.", flush=True)
        try:
            await keeper.keep()
        finally:
            mongo.client.close()
        return 0

    async def _prepare(
        self, config: Config, access: AccessCommand, document: Document, author: str, now: datetime
    ) -> None:
        """Gives users and rights, then makes topics: a source that is in force finds all it needs."""
        versions = (await standing_versions(config.kafka, config.control_topic)).versions
        version = next_version(versions, document, author, now, self.in_force_from) or versions.newest
        if version is None:
            raise CommandError(NO_TOPIC)
        await _give(config, access, version.localities)

    def _show(self, standing: Standing) -> int:
        versions = list(standing.versions)
        if self.verb == "export":
            sys.stdout.write(exported(versions).decode())
            return 0
        if self.verb == "history":
            rows = _history(standing)
            keys = [name.lower().replace(" ", "_") for name in _HEAD]
            print(
                as_json([dict(zip(keys, row, strict=True)) for row in rows])
                if self.as_json
                else table(_HEAD, rows)
            )
            return 0
        wanted = (
            next((each for each in versions if each.number == self.number), None)
            if self.number
            else standing.versions.in_force(system_clock())
        )
        if wanted is None:
            raise CommandError(
                f"There is no version {self.number}." if self.number else "The topic is empty."
            )
        print(as_json(wanted.document) if self.as_json else "\n".join(_described(wanted)))
        return 0

    async def _check(self, config: Config, standing: Standing) -> int:
        newest = standing.versions.newest
        if newest is None:
            raise CommandError("The control topic is empty: publish a table.")
        file = self.file or config.localities_file
        document = read_document(file)
        localities_of(document, file.name)
        problems = [str(refused) for refused in standing.refused]
        problems += authority_faults(document, file.name)
        wanted = with_hand_overs_of(document, newest.document)
        problems += [f"Not published: {change}" for change in differences(newest.document, wanted)]
        problems += await _topic_problems(config, newest.localities)
        print("\n".join(problems) or f"Version {newest.number} is as {file.name}, and its topics are there.")
        return 1 if problems else 0


async def _give(config: Config, access: AccessCommand, table_: Localities) -> None:
    """Gives users and rights, then makes topics."""
    await access.run_for(config, table_)
    made = await create_topics(
        config.kafka,
        table_.slugs,
        table_.partners(),
        sandboxes=[locality.slug for locality in table_ if locality.sandbox],
        partitions=config.partitions,
        replication=config.replication,
    )
    print(f"{made} topics made.")


def _history(standing: Standing) -> list[tuple[str, ...]]:
    """One row a version, the oldest first."""
    now = system_clock()
    current = standing.versions.in_force(now)
    rows: list[tuple[str, ...]] = []
    before: Document = {}
    for version in standing.versions:
        state = "in force" if version is current else "waits" if version.in_force_from > now else "past"
        changes = str(len(differences(before, version.document))) if before else "the first"
        made, begins = format_time(version.made_at), format_time(version.in_force_from)
        rows.append((str(version.number), made, begins, version.author, state, changes))
        before = version.document
    return rows


def _described(version: TableVersion) -> list[str]:
    """The version in a few lines. `--json` has all of it."""
    lines = [
        f"Version {version.number}, in force from {format_time(version.in_force_from)}",
        f"made {format_time(version.made_at)} by {version.author}",
    ]
    for locality in version.localities:
        sources = ", ".join(f"{each.source} ({each.rank})" for each in locality.sources.values())
        lines.append(f"{locality.slug}: {len(locality.practices)} practices; sources by rank: {sources}")
        lines += [
            f"{locality.slug}: {part} is {owner}'s, epoch {locality.epoch(part)}"
            for part, owner in locality.owners.items()
        ]
        lines += [
            f"{locality.slug}: {part} is being handed over to {claim.to}, since {format_time(claim.since)}"
            for part, claim in locality.handing_over.items()
        ]
    return lines


async def _topic_problems(config: Config, localities: Localities) -> list[str]:
    """Localities whose topics are missing, differ in their partitions, or keep too much or too little."""
    events = {slug: event_topics(slug) for slug in localities.slugs}
    names = {
        locality.slug: [
            *events[locality.slug],
            *(name for source in locality.partners() for name in partner_topics(source)),
        ]
        for locality in localities
    }
    partitions = await partitions_of(config.kafka, [name for each in names.values() for name in each])
    counts = Counter(partition.topic for partition in partitions)
    problems = []
    for slug, topics in names.items():
        if missing := [name for name in topics if not counts[name]]:
            problems.append(f"Locality {slug} has no topic {missing[0]}: {MAKE_TOPICS}")
        elif len({counts[name] for name in events[slug]}) > 1:
            problems.append(f"The topics of locality {slug} differ in their number of partitions.")
    return problems + await _retention_problems(config, localities)


async def _retention_problems(config: Config, localities: Localities) -> list[str]:
    wanted: dict[str, int] = {}
    for locality in localities:
        kept = retention_ms(sandbox=locality.sandbox)
        wanted |= dict.fromkeys(event_topics(locality.slug), kept)
        for source in locality.partners():
            of_partner = partner_retention_ms(sandbox=locality.sandbox)
            wanted |= dict.fromkeys(partner_topics(source), of_partner)
    held = await retention_of(config.kafka, wanted)
    return [
        f"Topic {name} has retention.ms={held[name]}, and should have {milliseconds}."
        for name, milliseconds in wanted.items()
        if held.get(name, milliseconds) != milliseconds
    ]
