"""One run's place: world, server, bus and part, from start to end."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from conformance.bus import Bus
from conformance.clause import Away
from conformance.contract import PARTS
from conformance.events import Ids
from conformance.process import CommandPart, Part
from conformance.roster import Roster
from conformance.serving import Server
from conformance.settings import OURS, Settings
from conformance.sources import Sources
from conformance.world import Owner, World

# A part may close an idle connection at the moment at which the kit sends on it.
_FRESH: Final = httpx.Limits(max_keepalive_connections=0)
_HANDS_WITHIN: Final = 60.0


@dataclass
class Kit:
    """Everything that trials share."""

    settings: Settings
    world: World
    server: Server
    bus: Bus
    part: Part
    http: httpx.AsyncClient
    # The adapter enters one list of link workers at a time.
    roster_lock: asyncio.Lock
    # The output of a part that the kit starts by a command.
    log: Path

    def sources(self) -> Sources:
        """The sources of the run."""
        return Sources.of(self.world.sources)

    @property
    def hands_timeout(self) -> float:
        """Seconds within which the adapter answers."""
        return _HANDS_WITHIN * max(1.0, self.settings.patience)

    def token(self, **claims: Any) -> str:
        """A token of another part's service. An owner elsewhere is named by its address as audience."""
        settings = self.settings
        named = {"aud": settings.api} if settings.name != OURS and settings.api else {}
        return self.server.issuer.token(**{"role": "service", "localities": ["*"], **named, **claims})

    async def roster_changed(self) -> None:
        """Tells the adapter, if there is one, that link workers have changed; others read the list."""
        if self.settings.hands:
            body = {"do": "link_workers", "localities": list(self.settings.localities)}
            adapter = self.settings.hands
            try:
                async with self.roster_lock:
                    done = await self.http.post(adapter, json=body, timeout=self.hands_timeout)
            except httpx.HTTPError as error:
                raise Away(f"the adapter at {adapter} does not answer: {type(error).__name__}") from None
            if done.is_error and done.status_code != httpx.codes.NOT_IMPLEMENTED:
                raise Away(f"the adapter refuses link workers: {done.status_code} {done.text[:300]}")


def make_world(settings: Settings) -> World:
    """The world of a run: the tried part is its owner's, all others are Linkwork's."""
    world = World({slug: Roster(slug, practice) for slug, practice in settings.localities.items()})
    word = settings.speaks_as.rpartition("/")[2]
    for slug in settings.localities:
        world.owners[slug] = {part: Owner("linkwork") for part in PARTS}
        if word != settings.part:
            world.owners[slug][settings.part] = Owner(settings.name, 1, None, settings.api or None)
        named = {part: (40 if part != "referral" else 30) for part in PARTS} | {"history": 10, "matching": 40}
        world.sources += [
            {"source": f"/{slug}/{name}", "part": name if name in PARTS else "partner", "priority": weight}
            for name, weight in named.items()
        ]
        if word != settings.part:
            # As the programme's table has it: an owner ranks as our part does.
            rank = named[settings.part]
            world.sources.append({"source": f"/{slug}/{word}", "part": settings.part, "priority": rank})
    return world


def environment(settings: Settings, url: str) -> dict[str, str]:
    """The variables by which a started part finds the kit and Kafka."""
    kafka = settings.kafka
    return {
        "LINKWORK_URL": url,
        "OIDC_ISSUER": url,
        "OIDC_CLIENT_ID": "part-under-test",
        "OIDC_CLIENT_SECRET": "conformance",
        "KAFKA_BOOTSTRAP": kafka.bootstrap,
        "KAFKA_USER": kafka.user,
        "KAFKA_PASSWORD": kafka.password,
        "KAFKA_TLS": "1" if kafka.tls else "",
        "LOCALITY": settings.locality,
        "LOCALITIES": ",".join(settings.localities),
        "PARTNER": settings.speaks_as.rpartition("/")[2],
        "PRACTICE": settings.practice,
        **settings.environment,
    }


@asynccontextmanager
async def running(settings: Settings, make: Callable[[Server], Part] | None = None) -> AsyncIterator[Kit]:
    """Starts server, bus and part. `make` gives a part in the place of one that a command starts."""
    world = make_world(settings)
    server = Server(world, port=settings.listen)
    server.start()
    log = Path(tempfile.mkdtemp(prefix="conformance-")) / "part.log"
    command = CommandPart(
        settings.start, settings.wipe, settings.ready, environment(settings, server.url), log
    )
    bus = Bus(settings, world, Ids(random.Random()))
    tried = make(server) if make else command
    try:
        waits = 10 * max(1.0, settings.patience)
        async with httpx.AsyncClient(trust_env=False, timeout=waits, limits=_FRESH) as http, bus.running():
            kit = Kit(settings, world, server, bus, tried, http, asyncio.Lock(), log)
            try:
                await begin(kit)
                await tried.start()
                await kit.roster_changed()
                yield kit
            finally:
                await tried.kill()
    finally:
        server.stop()


async def begin(kit: Kit) -> None:
    """Makes a partner's part the owner, in every locality, in an epoch above those of the log."""
    settings = kit.settings
    if settings.name == OURS:
        return
    for slug in settings.localities:
        epoch = kit.bus.highest.get((slug, settings.part), 0) + 1
        await kit.bus.mark(slug, settings.part, epoch, settings.name)
        kit.world.owners[slug][settings.part] = Owner(settings.name, epoch, None, settings.api or None)
