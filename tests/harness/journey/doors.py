"""Every route of the system, from the applications' own route tables: its address and its roles."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getclosurevars
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from deploy.local.routes import PRIVATE
from shared.platform.clock import system_clock
from shared.platform.web import auth
from shared.platform.web.principal import ROLES
from tests.harness.journey.part import PARTS

# Routes without a sign-in, each with its reason. Any other open route fails the test.
PUBLIC: Mapping[str, str] = {
    "GET /": "the first page: what this is, and Sign in",
    "GET /sign-in": "leads to the issuer",
    "GET /signed-in": "comes back from the issuer, with what /sign-in left in this browser",
    "POST /sign-out": "whoever is signed in may leave; others lose nothing",
    "GET /signed-out": "says so",
    "POST /back-channel-logout": "the issuer ends sessions, by a token that it signed",
    "POST /accessibility": "sets how pages look in this browser",
    "GET /static/accessibility.css": "how pages look in this browser",
    "GET /assets": "style sheets, scripts, icons",
    "GET /static": "style sheets, scripts, icons",
    "GET /referral/static/referral.css": "a style sheet",
    "GET /referral/static/referral.js": "a script",
    "GET /matching/static/matching.css": "a style sheet",
    "GET /matching/static/draft.js": "a script",
    "GET /evaluation/static/evaluation.css": "a style sheet",
    "GET /s/{token}": "the link is the key: signed, expiring, without anything of the person",
    "POST /s/{token}/answer": "as above",
    "POST /s/{token}/visit": "as above",
    "GET /s/{token}/answer": "leads back to the page",
    "GET /s/{token}/visit": "as above",
    "GET /s/{token}/places": "as above",
    "GET /s/{token}/name": "as above",
    "POST /s/{token}/places": "as above: the service has places again",
    "GET /s/mailbox/{token}": "the link in a mail is the key: asks whether the mailbox is the service's own",
    "POST /s/mailbox/{token}": "as above: a button says so",
    "POST /s/{token}/code": "sends a code to the service's registered address, and nowhere else",
    "GET /s/{token}/code": "asks for that code",
    "POST /s/{token}/name": "name and telephone, once, against that code",
    "GET /matching/calendar/{secret}.ics": "the address is the key: random, stored hashed, without a name",
    "GET /dev/issuer/.well-known/openid-configuration": "development only: how to sign in",
    "GET /dev/issuer/jwks.json": "development only: public keys",
    "GET /dev/issuer/authorize": "development only: the sign-in page",
    "POST /dev/issuer/authorize": "development only: the choice made on it",
    "POST /dev/issuer/token": "development only: asks for the client's own secret",
    "POST /dev/sms": "development only: stands in for a gateway, and delivers nothing",
    "GET /contract": "the contract that partners build on: rules, schemas and documents, of nobody",
    "GET /contract/": "as above",
    "GET /contract/about/{name}": "as above",
    "GET /contract/events/{event}": "as above",
    "GET /contract/events/{event}/{kind}": "as above",
    "GET /contract/{path:path}": "as above",
    **{f"GET /api/{part}/v1/openapi.json": "what the API is, without anything in it" for part in PARTS},
}


@dataclass(frozen=True)
class Door:
    """One method of one route. `roles` is None if no role is required."""

    method: str
    path: str
    roles: frozenset[str] | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def api(self) -> bool:
        """True for programs, which send a token. Browsers send a cookie."""
        return self.path.startswith("/api/") or self.path.endswith(".json")

    @property
    def things(self) -> set[str]:
        """The names in the address."""
        return set(re.findall(r"\{(\w+)", self.path))

    def address(self, things: Mapping[str, str]) -> str:
        return re.sub(r"\{(\w+)[^}]*\}", lambda found: things[found[1]], self.path)


def doors() -> list[Door]:
    """All routes behind the front, each once. Settings are read from LINKWORK_ variables."""
    found: dict[str, Door] = {}
    for part in PARTS.values():
        _, make = part(system_clock)
        for door in _doors(make().routes):
            found.setdefault(str(door), door)
    return [door for door in found.values() if door.path not in PRIVATE]


def _doors(routes: Any, prefix: str = "") -> Iterator[Door]:
    for route in routes:
        if isinstance(route, APIRoute):
            roles = _roles(route.dependant)
            yield from (Door(method, prefix + route.path, roles) for method in sorted(route.methods or ()))
        elif isinstance(route, Mount | Route):
            yield Door("GET", prefix + route.path, None)
        else:  # a router that was included as a whole
            yield from _doors(route.original_router.routes, prefix + route.include_context.prefix)


def _roles(dependant: Dependant) -> frozenset[str] | None:
    """The required roles, from every guard of `web.auth` on the way to the handler."""
    allowed: frozenset[str] | None = None
    for each in dependant.dependencies:
        for roles in (_guard(each.call), _roles(each)):
            if roles is not None:
                allowed = roles if allowed is None else allowed & roles
    return allowed


def _guard(call: Any) -> frozenset[str] | None:
    name = getattr(call, "__qualname__", "")
    if getattr(call, "__module__", "") != auth.__name__:
        return None
    if name.startswith(("require.", "require_page.")):
        return frozenset(getclosurevars(call).nonlocals["roles"])
    return frozenset(ROLES) if call in (auth.caller, auth.page_caller) else None
