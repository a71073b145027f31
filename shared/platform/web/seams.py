"""Access to operations that cross a seam: by role, scope and part, then by locality, purpose and owner."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from shared.contract.api import Operation
from shared.contract.events.topics import partner_source
from shared.platform.localities import Localities, Locality
from shared.platform.web.auth import require
from shared.platform.web.owners import Owners
from shared.platform.web.principal import Principal, Role
from shared.platform.web.problem import Problem


def asked_by(operation: Operation, *people: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """Dependency for the route of an operation: one of our services, or a partner of a part that may ask.

    `people`: roles of users to whom the route is open too.
    """
    if not operation.for_partners:
        return require(*people, "service", scope=operation.scope)
    return require(*people, "service", "partner", scope=operation.scope, parts=operation.askers)


def check_asked(
    caller: Principal, operation: Operation, locality: str, localities: Localities, purpose: str | None = None
) -> None:
    """Checks what only the request tells: the locality, and for a partner its purpose and its part there.

    Raises:
        Problem: 403 `locality`, `purpose` or `part`; 409 `not_owner`.
    """
    if not caller.may_locality(locality):
        raise Problem(403, code="locality", detail="Your token does not cover this locality.")
    there = localities.by_slug.get(locality)
    if caller.role == "partner":
        parts = [part for part in operation.askers if part in caller.parts]
        if operation.purposes:
            parts = [part for part in parts if purpose in operation.purposes.get(part, frozenset())]
            if not parts:
                raise Problem(403, code="purpose", detail="Your part does not ask for this purpose.")
        entitled = any(
            _owns(caller, there, part) or _passes_on(operation, caller, there, part) for part in parts
        )
        if operation.owners_only and not entitled:
            raise Problem(403, code="part", detail="The part is not yours in this locality.")
    Owners(localities, {}).require_ours(operation.owner, locality)


def for_user(caller: Principal, user: str) -> Principal:
    """The caller on behalf of the user whom it names."""
    return replace(caller, subject=f"{caller.subject} for {user}", on_behalf_of=user)


def _passes_on(operation: Operation, caller: Principal, there: Locality | None, part: str) -> bool:
    """True for a source of the locality that may have owned the part before, and passes on its answers."""
    if there is None or caller.partner is None or not operation.passed_on or part != operation.owner:
        return False
    source = there.sources.get(partner_source(there.slug, caller.partner))
    return source is not None and source.part == part


def _owns(caller: Principal, there: Locality | None, part: str) -> bool:
    return there is not None and caller.partner is not None and there.owner(part) == caller.partner
