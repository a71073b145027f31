"""Calls between services: each is an operation of the documents, and each operation is a guarded route."""

import ast
from collections import defaultdict
from inspect import getclosurevars
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant

import shared.contract.api.booking
import shared.contract.api.casework
import shared.contract.api.directory
import shared.contract.api.referral
from shared.contract.api import OPERATIONS, Operation
from shared.platform.web import auth
from tests.harness.web.every_service import SERVICES, application, routes_of
from tests.harness.web.issuer import LoopbackIssuer

ROOT = Path(__file__).parents[3]
PARTS = {
    "referral": {"referral"},
    "matching": {"booking", "casework", "directory"},
    "notifications": {"notifications"},
    "evaluation": {"evaluation"},
}
# Asked by partners alone.
NOT_CALLED = {"readPerson": "a partner asks for one person"}
# Modules that use an HTTP client itself: to the issuer, to a gateway of texts, by an operation's path, or for
# the document of an owner's operations.
HTTP = {
    "shared/platform/web/offered.py",
    "shared/platform/web/service_client.py",
    "shared/platform/web/service_token.py",
    "shared/platform/web/keys.py",
    "shared/platform/web/session_asking.py",
    "services/notifications/channels/sms.py",
}
_METHODS = {"get", "post", "put", "patch", "delete", "request", "send", "stream"}
_NAMES = {
    name: value
    for module in (
        shared.contract.api.booking,
        shared.contract.api.casework,
        shared.contract.api.directory,
        shared.contract.api.referral,
    )
    for name, value in vars(module).items()
    if isinstance(value, Operation)
}


def sources() -> list[Path]:
    return [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared/platform/web").glob("*.py")]


def operations_in(path: Path) -> set[str]:
    """The operations that a client module names."""
    tree = ast.parse(path.read_text())
    return {
        _NAMES[each.id].name for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id in _NAMES
    }


def called() -> dict[str, set[str]]:
    """The operations that each service's clients call."""
    found: dict[str, set[str]] = defaultdict(set)
    for service in SERVICES:
        for path in (ROOT / "services" / service / "clients").glob("*.py"):
            found[service] |= operations_in(path)
    for service in SERVICES:
        if service != "referral":
            found[service] |= operations_in(ROOT / "shared/platform/web/session_asking.py")
    return found


def test_services_call_what_the_documents_say_and_no_more() -> None:
    for service, names in called().items():
        for operation in (each for each in OPERATIONS if each.name in names):
            # One of its own parts may be elsewhere: then another of them asks, or it passes on what it hears.
            asks = PARTS[service] - (set() if operation.passed_on else {operation.owner})
            assert operation.askers & asks, f"{service} may not ask {operation.name}"
    every = set().union(*called().values())
    assert every == {each.name for each in OPERATIONS} - set(NOT_CALLED)


def test_no_service_calls_another_past_the_client() -> None:
    past = set()
    for path in sources():
        for each in ast.walk(ast.parse(path.read_text())):
            if not isinstance(each, ast.Call) or not isinstance(each.func, ast.Attribute):
                continue
            holder = ast.unparse(each.func.value)
            is_http = (
                holder in ("http", "httpx", "client", "self._http", "self.http") or "AsyncClient" in holder
            )
            if is_http and each.func.attr in _METHODS:
                past.add(path.relative_to(ROOT).as_posix())
    assert past == HTTP


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in OPERATIONS])
def test_operation_is_a_route_of_its_owner_with_its_guard(
    operation: Operation, issuer: LoopbackIssuer
) -> None:
    (service,) = [name for name, parts in PARTS.items() if operation.owner in parts]
    (route,) = [
        route
        for path, route in routes_of(application(service, issuer))
        if path == operation.path and operation.method in (route.methods or ())
    ]
    (guard,) = guards(route.dependant)
    assert guard["scope"] in (operation.scope, operation.scopes[-1])
    assert guard["parts"] == (operation.askers if operation.for_partners else None)
    assert ("partner" in set(guard["roles"])) is operation.for_partners


def guards(dependant: Dependant) -> list[dict[str, Any]]:
    """What each guard of a route asks of a token."""
    found: list[dict[str, Any]] = []
    for each in dependant.dependencies:
        name, module = getattr(each.call, "__qualname__", ""), getattr(each.call, "__module__", "")
        if module == auth.__name__ and name.startswith("require.") and each.call is not None:
            found.append(dict(getclosurevars(each.call).nonlocals))
        found += guards(each)
    return found
