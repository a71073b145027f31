"""Principals: the person or service that sends a request, and what it may touch."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Role = Literal[
    "referrer",
    "link_worker",
    "manager",
    "provider",
    "analyst",
    "programme_admin",
    "guardian",
    "service",
    "partner",
]
ROLES: tuple[str, ...] = get_args(Role)
# These sign in by credentials of their own, and not as people.
NO_PEOPLE: Final = frozenset({"service", "partner"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, a service or a partner with a verified token. Holds no person's name.

    Attributes:
        partner: the name of a partner in its sources; of role `partner` only. None speaks for no source.
        parts: the parts in whose name a partner asks others; of role `partner` only.
        acr: how surely they signed in, as their issuer calls it: `acr`, and `acrs` of Entra ID.
        auth_time: when they last proved who they are, in seconds of Unix time; None if unknown.
        on_behalf_of: the subject of the user for whom a part asks. Events name that user as their actor.
    """

    subject: str
    role: Role
    localities: frozenset[str] = frozenset()
    practices: frozenset[str] = frozenset()
    link_worker: str | None = None
    scopes: frozenset[str] = frozenset()
    partner: str | None = None
    parts: frozenset[str] = frozenset()
    on_behalf_of: str | None = None
    acr: frozenset[str] = frozenset()
    auth_time: int | None = None

    def actor(self, key: bytes) -> str:
        """The person as events name them: the same word for the same person and key, and no name."""
        return hmac.new(
            key, f"actor\x1f{self.on_behalf_of or self.subject}".encode(), hashlib.sha256
        ).hexdigest()[:32]

    def may_locality(self, slug: str) -> bool:
        """True if this locality is theirs. Only a service may hold the star."""
        return slug in self.localities or (self.role == "service" and "*" in self.localities)

    def may_practice(self, code: str) -> bool:
        """True if this practice (ODS code) is theirs."""
        return code in self.practices


class NotAPrincipal(ValueError):
    """The claims of a token do not describe a principal."""


def principal_of(claims: dict[str, Any]) -> Principal:
    """The principal of verified claims. Raises NotAPrincipal if a claim is missing or of the wrong shape."""
    role = claims.get("role")
    subject = claims.get("sub")
    if role not in ROLES or not isinstance(subject, str) or not subject:
        raise NotAPrincipal
    link_worker = claims.get("link_worker")
    if link_worker is not None and not isinstance(link_worker, str):
        raise NotAPrincipal
    partner = claims.get("partner") if role == "partner" else None
    if partner is not None and not isinstance(partner, str):
        raise NotAPrincipal
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise NotAPrincipal
    return Principal(
        subject=subject,
        role=role,
        localities=_texts(claims.get("localities", [])),
        practices=_texts(claims.get("practices", [])),
        link_worker=link_worker,
        scopes=frozenset(scope.split()),
        partner=partner,
        parts=_texts(claims.get("parts", [])) if role == "partner" else frozenset(),
        acr=acr_of(claims),
        auth_time=auth_time_of(claims),
    )


def auth_time_of(claims: Mapping[str, Any]) -> int | None:
    """The `auth_time` of verified claims, or None for none or one that is no number of seconds."""
    value = claims.get("auth_time")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def acr_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """The `acr` of verified claims, and the `acrs` of Entra ID. What is no text counts for nothing."""
    acr, acrs = claims.get("acr"), claims.get("acrs")
    values = [acr, *(acrs if isinstance(acrs, list) else [])]
    return frozenset(value for value in values if isinstance(value, str) and value)


def _texts(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise NotAPrincipal
    return frozenset(value)
