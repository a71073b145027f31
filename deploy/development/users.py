"""The invented people of users.toml."""

import contextlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.contract.events.topics import SOURCE_PARTS
from shared.platform.localities import Localities, LocalitiesError, Locality, load_localities
from shared.platform.localities.versions import load_table
from shared.platform.web.principal import ROLES


class UsersError(Exception):
    """The file of users is inconsistent; the text says where."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in here. `name` is shown on the sign-in page and nowhere else."""

    id: str
    name: str
    role: str
    localities: tuple[str, ...]
    practices: tuple[str, ...]
    link_worker: str | None
    partner: str | None = None
    parts: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()

    def claims(self) -> dict[str, object]:
        """The claims of a user's token; never the name. A partner's holds all its scopes."""
        claims: dict[str, object] = {
            "sub": self.id,
            "role": self.role,
            "localities": list(self.localities),
            "practices": list(self.practices),
        }
        own = {
            "link_worker": self.link_worker,
            "partner": self.partner,
            "parts": list(self.parts),
            "scope": " ".join(sorted(self.scopes)),
        }
        return claims | {name: value for name, value in own.items() if value}


@dataclass(frozen=True, slots=True)
class Directory:
    """Users by id, the scopes each client may have, and partners' systems by client id."""

    users: Mapping[str, User]
    clients: Mapping[str, frozenset[str]]
    partners: Mapping[str, User]


class KnownUsers(Protocol):
    """Users, clients and partners, as they are now."""

    @property
    def users(self) -> Mapping[str, User]:
        """Users by id."""
        ...

    @property
    def clients(self) -> Mapping[str, frozenset[str]]:
        """The scopes that each client may have."""
        ...

    @property
    def partners(self) -> Mapping[str, User]:
        """Partners' systems by client id."""
        ...


class FollowedUsers:
    """The users of the file in the localities of the table, read again when the table's file changes.

    A locality that was set up while this runs gets invented users of its own, so that one can work there.
    """

    def __init__(self, users_file: Path, localities_file: Path | None, table: Path) -> None:
        self._users_file = users_file
        self._table = table
        self._read_at = 0
        self.localities = load_localities(localities_file) if localities_file else load_localities()
        self._directory = load_users(users_file, localities_file)

    @property
    def users(self) -> Mapping[str, User]:
        """Users by id."""
        return self._now().users

    @property
    def clients(self) -> Mapping[str, frozenset[str]]:
        """The scopes that each client may have."""
        return self._now().clients

    @property
    def partners(self) -> Mapping[str, User]:
        """Partners' systems by client id."""
        return self._now().partners

    def _now(self) -> Directory:
        written = self._table.stat().st_mtime_ns if self._table.exists() else 0
        if written != self._read_at:
            # A file that is just being written is read at the next request.
            with contextlib.suppress(LocalitiesError, UsersError):
                known = load_table(self._table)
                found = users_in(self._users_file, known)
                self.localities.become(known)
                self._directory, self._read_at = found, written
        return self._directory


def load_users(path: Path, localities_file: Path | None = None) -> Directory:
    """Reads the file. Raises UsersError for an unknown role, locality or practice."""
    return users_in(path, load_localities(localities_file) if localities_file else load_localities())


def users_in(path: Path, known: Localities) -> Directory:
    """Reads the file for these localities. Raises UsersError as `load_users` does."""
    read = tomllib.loads(path.read_text("utf-8"))
    users: dict[str, User] = {}
    for entry in read["user"]:
        named = entry.get("localities", [])
        user = User(
            id=entry["id"],
            name=entry["name"],
            role=entry["role"],
            localities=known.slugs if named == "all" else tuple(named),
            practices=tuple(entry.get("practices", [])),
            link_worker=entry.get("link_worker"),
        )
        if user.role not in ROLES or user.role == "partner" or user.id in users:
            raise UsersError(f"{user.id}: unknown role, or listed twice")
        for slug in user.localities:
            if slug not in known.by_slug:
                raise UsersError(f"{user.id}: no locality {slug}")
        for code in user.practices:
            practice = known.practice(code)
            if practice is None or practice.locality not in (*user.localities, None):
                raise UsersError(f"{user.id}: practice {code} is in none of their localities")
        users[user.id] = user
    for locality in known.real:
        if all(user.localities != (locality.slug,) for user in users.values()):
            users |= {user.id: user for user in _invented(locality)}
    clients = {name: frozenset(scopes) for name, scopes in read["clients"].items()}
    partners = {entry["id"]: _partner(entry, known) for entry in read.get("partner", [])}
    return Directory(users=users, clients=clients, partners=partners)


def _invented(locality: Locality) -> list[User]:
    """Users of a locality that the file has none for: two link workers, and one at each practice."""
    slug = locality.slug
    workers = [f"lw-{slug}-{number}" for number in (1, 2)]
    return [
        *(
            User(name, f"Link worker {number} of {locality.name} ({name})", "link_worker", (slug,), (), name)
            for number, name in enumerate(workers, start=1)
        ),
        *(
            User(
                f"referrer-{practice.ods.lower()}",
                f"Receptionist of {practice.site}",
                "referrer",
                (slug,),
                (practice.ods,),
                None,
            )
            for practice in locality.practices
        ),
    ]


def _partner(entry: Mapping[str, Any], known: Localities) -> User:
    name, identity = entry["source"], entry["id"]
    slugs = tuple(slug for slug in known.slugs if f"/{slug}/{name}" in known.partners())
    if not slugs:
        raise UsersError(f"{identity}: no locality has a partner {name}")
    parts, scopes = tuple(entry.get("parts", [])), frozenset(entry.get("scopes", []))
    if strangers := set(parts) - set(SOURCE_PARTS):
        raise UsersError(f"{identity}: {min(strangers)} is not a part")
    return User(identity, entry["name"], "partner", slugs, (), None, name, parts, scopes)
