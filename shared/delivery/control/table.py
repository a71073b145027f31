"""The table of the control topic as a service follows it, from before its first record to its end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from shared.contract.events.topics import CONTROL_TOPIC, SourcePart
from shared.delivery.control.log import ControlLog, NoControlTopic, control_log
from shared.delivery.control.served import Changed, FileTable, ServedTable, owner_in
from shared.delivery.control.stored import store_versions, stored_records
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo
from shared.delivery.ownership.standing import TableOwner
from shared.platform import metrics
from shared.platform.clock import Clock
from shared.platform.errors import CannotStart
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE, Localities, NoSuchLocality
from shared.platform.localities.versions import TableVersion, VersionRefused, Versions, load_table
from shared.platform.web.settings import NO_TOPIC, ServiceSettings

_POLL_MS: Final = 1000  # A version that waits for its time is in force so soon after it.
_RETRY_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)
Origin = Literal["nowhere", "topic", "stored", "file"]


@dataclass(frozen=True, slots=True)
class Control:
    """The place from which the table is read.

    Attributes:
        wait_seconds: a start waits so long for the broker before it takes the stored versions.
        fallback: the table to use if the broker has no control topic; None to wait for the topic.
    """

    kafka: KafkaConnection
    topic: str = CONTROL_TOPIC
    wait_seconds: float = 10.0
    fallback: Localities | None = None


class ControlTable(ServedTable):
    """Keeps `localities` at the version in force, for as long as the process runs.

    A version that does not stand is refused, with an error in the log and a metric; the former stays.
    """

    def __init__(
        self, service: str, served: str, control: Control, localities: Localities, clock: Clock
    ) -> None:
        """`served` is the setting: all, or slugs with commas. `localities` becomes each table in force."""
        super().__init__(())
        self.localities = localities
        self._service = service
        self._served = served
        self._control = control
        self._clock = clock
        self._versions = Versions()
        self._stored: set[int] = set()
        self._origin: Origin = "nowhere"
        self._following: asyncio.Task[None] | None = None
        # Set after each attempt to read the topic to its end, whatever came of it.
        self._tried = asyncio.Event()
        self._absent = False
        self._read = False
        self._refused: set[bytes] = set()
        self._handing_over: set[tuple[str, str]] = set()

    @property
    def slugs(self) -> tuple[str, ...]:
        """The localities that the process serves now; none before the table is known."""
        return self._slugs

    @property
    def live(self) -> bool:
        """True if the topic is followed, or waited for."""
        return self._following is None or not self._following.done()

    def owner(self, locality: str, part: SourcePart) -> TableOwner:
        """The owner of a part in a locality, by the version in force."""
        return owner_in(self.localities, locality, part)

    def detail(self) -> dict[str, Any]:
        """The version in force and where it was read, for /readyz."""
        newest = self._versions.newest
        known = newest.number if newest else 0
        return {"version": self.localities.version, "newest": known, "from": self._origin}

    async def start(self, mongo: Mongo, changed: Changed) -> None:
        """Reads the topic to its end, then follows it. A second call changes nothing.

        If the broker is away for longer than `wait_seconds`, takes the stored versions; if there are none,
        waits on.

        Raises:
            CannotStart: the table has no locality of the setting's.
            PyMongoError: the database is away.
        """
        if self._following is not None:
            return
        for record in await stored_records(mongo):
            self._stored |= self._take([record])
        self._following = asyncio.create_task(self._follow(mongo, lambda: self._refresh(changed)))
        try:
            await self._known()
            self._serve(self._in_force())
        except NoSuchLocality as wrong:
            await self.stop()
            raise CannotStart(str(wrong)) from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Follows no longer."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _known(self) -> None:
        """Waits until there is a table to start with."""
        begun = time.monotonic()
        while True:
            left = begun + self._control.wait_seconds - time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), max(left, _RETRY_SECONDS))
            self._tried.clear()
            if self._read and self._in_force() is not None:
                self._origin = "topic"
                return
            if self._absent and self._versions.newest is None and self._control.fallback is not None:
                self._origin = "file"
                _log.warning(
                    "there is no control topic: the localities file is the table, until there is one"
                )
                return
            if time.monotonic() < begun + self._control.wait_seconds:
                continue
            if self._in_force() is not None:
                self._origin = "stored"
                _log.error("the control topic cannot be read: started with the stored versions")
                return
            begun = time.monotonic()
            why = "the broker has no control topic, or it is empty" if self._absent else "the broker is away"
            _log.error("not ready: %s, and no version is stored; see the runbook “The table”", why)

    def _in_force(self) -> TableVersion | None:
        return self._versions.in_force(self._clock())

    def _serve(self, version: TableVersion | None) -> None:
        """Makes this version the table, or the fallback if there is none."""
        table = version.localities if version else self._control.fallback
        if table is not None:
            served = tuple(locality.slug for locality in table.served(self._served))
            self.localities.become(table)
            self._slugs = served
            metrics.control_version.labels(self._service).set(table.version)
            self._tell_hand_overs()

    def _tell_hand_overs(self) -> None:
        """Sets the gauge by which an alert finds a hand-over that does not end."""
        under_way = {
            (there.slug, part): claim
            for there in self.localities
            for part, claim in there.handing_over.items()
        }

        for slug, part in self._handing_over - under_way.keys():
            metrics.hand_over_since.labels(self._service, slug, part).set(0)
        for (slug, part), claim in under_way.items():
            metrics.hand_over_since.labels(self._service, slug, part).set(claim.since.timestamp())
        self._handing_over = set(under_way)

    def _refresh(self, changed: Changed) -> None:
        """Takes another version into force, if its time has come."""
        version = self._in_force()
        if self._origin == "nowhere" or version is None or version.number == self.localities.version:
            return
        before = self._slugs
        try:
            self._serve(version)
        except NoSuchLocality:  # Not reached: no version removes a locality.
            _log.exception("version %d serves none of our localities", version.number)
            return
        _log.info("version %d of the table is in force", version.number)
        for slug in self._slugs:
            if slug not in before:
                _log.info("a locality is new: its stream starts", extra={"locality": slug})
        changed()

    async def _follow(self, mongo: Mongo, refresh: Callable[[], None]) -> None:
        while True:
            try:
                async with control_log(self._control.kafka, self._control.topic) as log:
                    await self._read_on(log, mongo, refresh)
            except NoControlTopic:
                self._lost(absent=True)
            except (KafkaError, OSError, PyMongoError, Transient) as error:
                _log.warning("the control topic is not followed: %s", type(error).__name__)
                self._lost(absent=False)
            refresh()
            await asyncio.sleep(_RETRY_SECONDS)

    def _lost(self, *, absent: bool) -> None:
        self._absent, self._read = absent, False
        metrics.control_unread.labels(self._service).set(1)
        self._tried.set()

    async def _read_on(self, log: ControlLog, mongo: Mongo, refresh: Callable[[], None]) -> None:
        self._compare(self._take(await log.to_end()))
        await self._store(mongo)
        while True:
            self._absent = self._versions.newest is None
            self._read = not self._absent
            if self._read and self._origin in ("stored", "file"):
                self._origin = "topic"
            self._tried.set()
            refresh()
            self._take(await log.more(_POLL_MS))
            await self._store(mongo)

    def _take(self, records: list[bytes]) -> set[int]:
        """Takes the records' versions; returns the numbers of those that stand."""
        return {version.number for record in records if (version := self._offer(record)) is not None}

    def _offer(self, record: bytes) -> TableVersion | None:
        try:
            return self._versions.offer(record)
        except VersionRefused as refused:
            if record not in self._refused:  # Once for each, though the topic is read again.
                self._refused.add(record)
                metrics.control_refused.labels(self._service, refused.code).inc()
                _log.error("a version of the table is refused (%s): %s", refused.code, refused)
            return None

    def _compare(self, there: set[int]) -> None:
        """Tells if the topic lacks versions that this service knows: it was lost, or is another one."""
        lacks = [version.number for version in self._versions if version.number not in there]
        metrics.control_unread.labels(self._service).set(1 if lacks else 0)
        if lacks:
            _log.error("the control topic lacks version %d: publish its export again", lacks[0])

    async def _store(self, mongo: Mongo) -> None:
        new = [version for version in self._versions if version.number not in self._stored]
        await store_versions(mongo, new)
        self._stored |= {version.number for version in new}


def table_of(
    settings: ServiceSettings, localities: Localities | None, clock: Clock
) -> "ControlTable | FileTable":
    """The table of a service: these localities if they are given, else those of the settings.

    Raises:
        LocalitiesError, NoSuchLocality: the table is a file, which does not hold together.
    """
    if localities is not None:
        return FileTable(localities, settings.localities)
    file = load_table(settings.localities_file or LOCALITIES_FILE) if settings.env == "development" else None
    if settings.control_topic == NO_TOPIC:
        return FileTable(file or Localities.unread(), settings.localities)
    known = Localities.unread()
    if file is not None:
        known.become(file)  # To look at an application that does not run.
    control = Control(settings.kafka, settings.control_topic, settings.control_wait_seconds, file)
    return ControlTable(settings.service, settings.localities, control, known, clock)
