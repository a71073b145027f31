"""The invented people of users.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contract.events.topics import SOURCE_PARTS
from shared.platform.localities import Localities, load_localities
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


def load_users(path: Path, localities_file: Path | None = None) -> Directory:
    """Reads the file. Raises UsersError for an unknown role, locality or practice."""
    known = load_localities(localities_file) if localities_file else load_localities()
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
    clients = {name: frozenset(scopes) for name, scopes in read["clients"].items()}
    partners = {entry["id"]: _partner(entry, known) for entry in read.get("partner", [])}
    return Directory(users=users, clients=clients, partners=partners)


def _partner(entry: Mapping[str, Any], known: Localities) -> User:
    name, identity = entry["source"], entry["id"]
    slugs = tuple(slug for slug in known.slugs if f"/{slug}/{name}" in known.partners())
    if not slugs:
        raise UsersError(f"{identity}: no locality has a partner {name}")
    parts, scopes = tuple(entry.get("parts", [])), frozenset(entry.get("scopes", []))
    if strangers := set(parts) - set(SOURCE_PARTS):
        raise UsersError(f"{identity}: {min(strangers)} is not a part")
    return User(identity, entry["name"], "partner", slugs, (), None, name, parts, scopes)
