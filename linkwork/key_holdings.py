"""Contents of a service's database by key, and their rotation, one class a kind of key."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic import SecretStr

from linkwork.config import Config
from linkwork.errors import CommandError
from services.matching.provider.mailboxes import Mailboxes
from services.notifications.webhooks.resealing import EndpointRotation
from services.notifications.webhooks.sealing import Sealing
from services.referral.identity.vault.opening import open_vault
from services.referral.identity.vault.persons import PersonVault
from services.referral.identity.vault.reindexing import IndexRotation
from services.referral.identity.vault.rotation import Rotated, VaultRotation
from services.referral.vault_settings import VaultSettings
from shared.contract.events.topics import Part
from shared.delivery.audit.sealer import SealRotation
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.dlq.resealing import LetterRotation
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.keys_in_use import KeysInUse
from shared.platform.clock import system_clock
from shared.platform.errors import CannotStart
from shared.platform.ids import new_id
from shared.platform.key_ring import KeyRing

Purpose = Literal["master", "index", "link", "dead_letter", "session"]
# The purposes of each service's database, and the setting that lists their keys.
PURPOSES: Final[dict[Part, tuple[Purpose, ...]]] = {
    "referral": ("master", "index", "session", "dead_letter"),
    "matching": ("link", "dead_letter"),
    "notifications": ("dead_letter",),
    "evaluation": ("dead_letter",),
}
SETTINGS: Final[dict[Purpose, str]] = {
    "master": "LINKWORK_MASTER_KEY",
    "index": "LINKWORK_INDEX_KEY",
    "link": "LINKWORK_MAGIC_LINK_KEY",
    "dead_letter": "LINKWORK_DEAD_LETTER_KEY",
    "session": "LINKWORK_SESSION_KEY",
}
_SECRETS: Final = ("master_key", "index_key", "pkcs11_pin")
_PATHS: Final = ("master_key_file", "pkcs11_module", "pkcs11_pin_file")


@dataclass(frozen=True, slots=True)
class Holding:
    """Contents of one key: `count` of `things`. `outside_until`: what it made elsewhere ends by then.

    `is_left`: the key is still needed, and another is the newest. The key "" is none of those listed here.
    """

    service: Part
    purpose: Purpose
    key: str
    count: int
    things: str
    is_left: bool = False
    outside_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The number of `things` that one key holds in a database, and whether they are still to be moved."""

    key: str
    things: str
    count: int
    is_left: bool


class Keys(Protocol):
    """The keys of one purpose, in one service's database."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids, newest first."""

    async def held(self) -> list[Held]:
        """The contents of each key."""

    async def rotate(self, limit: int) -> Rotated:
        """Moves to the newest key what earlier ones hold."""


@dataclass(frozen=True)
class MasterKeysHere:
    """The master keys, of the referral service's vault."""

    mongo: Mongo
    vault: PersonVault

    @property
    def ids(self) -> tuple[str, ...]:
        """As Keys."""
        return self.vault.masters.ids

    async def held(self) -> list[Held]:
        """As Keys."""
        counts = await VaultRotation(self.mongo, self.vault).counts()
        return _held(counts.masters, "people", self.ids[0])

    async def rotate(self, limit: int) -> Rotated:
        """As Keys."""
        return await VaultRotation(self.mongo, self.vault).rewrap(limit)


@dataclass(frozen=True)
class IndexKeysHere:
    """The index keys, of the referral service's vault. People whom the newest does not find are under ""."""

    mongo: Mongo
    vault: PersonVault

    @property
    def ids(self) -> tuple[str, ...]:
        """As Keys."""
        return self.vault.index_keys.ids

    async def held(self) -> list[Held]:
        """As Keys."""
        counts = await VaultRotation(self.mongo, self.vault).counts()
        # Older keys are needed until everybody has digests of the newest; those not listed, to be dropped.
        needed = self.ids[1:] if counts.unfound else ()
        by_key = [("people found", counts.indexed), ("digests", counts.digests)]
        held = [
            Held(key, things, count, is_left=key in needed or key not in self.ids)
            for things, counted in by_key
            for key, count in counted.items()
        ]
        return [*held, Held("", "people without digests of the newest", counts.unfound, is_left=True)]

    async def rotate(self, limit: int) -> Rotated:
        """As Keys: digests under all listed keys first, then none under others."""
        rotation = IndexRotation(self.mongo, self.vault)
        added = await rotation.reindex(limit)
        if added.done >= limit:
            return added
        dropped = await rotation.drop(limit - added.done)
        return Rotated(added.done + dropped.done, added.locked, added.twice, added.busy + dropped.busy)


@dataclass(frozen=True)
class LinkKeysHere:
    """The keys of links, which hash mailboxes."""

    ring: KeyRing
    mailboxes: Mailboxes

    @property
    def ids(self) -> tuple[str, ...]:
        """As Keys."""
        return self.ring.ids

    async def held(self) -> list[Held]:
        """As Keys."""
        counted = await self.mailboxes.by_key()
        unknown = Held("", "mailboxes of no known address", counted.pop(""), is_left=False)
        return [*_held(counted, "mailboxes", self.ids[0]), unknown]

    async def rotate(self, limit: int) -> Rotated:
        """As Keys."""
        return Rotated(await self.mailboxes.rehash())


@dataclass(frozen=True)
class DeadLetterKeysHere:
    """The dead letter keys, which also sign the audit, and seal the addresses and secrets of endpoints."""

    ring: KeyRing
    letters: LetterRotation
    seals: SealRotation
    endpoints: EndpointRotation | None

    @property
    def ids(self) -> tuple[str, ...]:
        """As Keys."""
        return self.ring.ids

    async def held(self) -> list[Held]:
        """As Keys."""
        held = _held(await self.letters.by_key(), "letters waiting for a replay", self.ids[0])
        if (key := await self.seals.key()) is not None:
            held += _held(Counter([key]), "ends of the audit's chain", self.ids[0])
        if self.endpoints is not None:
            held += _held(await self.endpoints.by_key(), "addresses and secrets of endpoints", self.ids[0])
        return held

    async def rotate(self, limit: int) -> Rotated:
        """As Keys."""
        done = await self.letters.reseal() + await self.seals.sign_anew()
        return Rotated(done + (await self.endpoints.reseal() if self.endpoints else 0))


@dataclass(frozen=True)
class SessionKeysHere:
    """The session keys, which hold nothing in a database: cookies lie in browsers."""

    ring: KeyRing

    @property
    def ids(self) -> tuple[str, ...]:
        """As Keys."""
        return self.ring.ids

    async def held(self) -> list[Held]:
        """As Keys."""
        return []

    async def rotate(self, limit: int) -> Rotated:
        """As Keys."""
        return Rotated()


def _held(counted: Counter[str], things: str, newest: str) -> list[Held]:
    return [Held(key, things, count, is_left=key != newest) for key, count in counted.items()]


def keys_here(config: Config, service: Part, purpose: Purpose, mongo: Mongo) -> Keys | None:
    """The keys of a purpose, or None if the environment does not set them.

    Raises:
        CommandError: a key is wrong, or its token cannot be used.
    """
    given = config.keys
    if purpose in ("master", "index"):
        vault = _vault(config)
        if vault is None:
            return None
        return MasterKeysHere(mongo, vault) if purpose == "master" else IndexKeysHere(mongo, vault)
    if purpose == "session":
        return SessionKeysHere(KeyRing.of(given["session_key"])) if "session_key" in given else None
    if purpose == "link":
        if "magic_link_key" not in given:
            return None
        key = given["magic_link_key"]
        return LinkKeysHere(KeyRing.of(key), Mailboxes(mongo, key, system_clock, new_id, invented=False))
    if not config.key:
        return None
    ring = KeyRing.of(config.key)
    letters = LetterRotation(mongo, service, DeadLetters(service, config.key))
    seals = SealRotation(service, mongo, ring)
    endpoints = EndpointRotation(mongo, Sealing(config.key)) if service == "notifications" else None
    return DeadLetterKeysHere(ring, letters, seals, endpoints)


def _vault(config: Config) -> PersonVault | None:
    given = config.keys
    if "master_key" not in given and "master_key_file" not in given:
        return None
    values: dict[str, Any] = {name: SecretStr(given[name]) for name in _SECRETS if name in given}
    values |= {name: Path(given[name]) for name in _PATHS if name in given}
    # Only the vault's settings count here, so that the rest of a service's is not asked for.
    settings = VaultSettings.model_construct(env="production", **values)
    try:
        return open_vault(settings)
    except (ValueError, CannotStart) as wrong:
        raise CommandError(str(wrong)) from None


def outside_until(used: KeysInUse | None, key: str) -> datetime | None:
    """The end of what an earlier key made outside the databases, such as cookies; None if there is none."""
    if used is None or used.lasts is None or key == used.ids[0]:
        return None
    return used.newest_since + used.lasts
