"""Any body to any API of any service gets 4xx, with a pointer if a field is at fault."""

import json
from collections.abc import Iterator
from datetime import date, time
from functools import cache
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from deploy.development.app import development_app
from deploy.development.settings import USERS_FILE, DevelopmentSettings
from deploy.development.users import load_users
from services.evaluation.app import create_app as evaluation_app
from services.evaluation.settings import EvaluationSettings
from services.matching.app import create_app as matching_app
from services.matching.settings import MatchingSettings
from services.notifications.app import create_app as notifications_app
from services.notifications.settings import NotificationsSettings
from services.referral.app import create_app as referral_app
from services.referral.settings import ReferralSettings
from shared.contract.events.models import Day, Moment
from shared.contract.events.outcomes import NextStep
from shared.platform.localities import load_localities
from shared.platform.web.bodies import JsonBody
from shared.platform.web.validation import sentence_for
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.walk import FAR_DAYS, FAR_MOMENTS, places

AWAY: dict[str, Any] = {
    "mongo_url": "mongodb://127.0.0.1:9/?directConnection=true&serverSelectionTimeoutMS=50",
    "requests_a_second": 0,
}
# Some operations are about the whole programme.
LOCALITIES: dict[str, list[str]] = {
    "service": ["*"],
    "programme_admin": [place.slug for place in load_localities().real],
}
ROLES = ("referrer", "link_worker", "manager", "programme_admin", "analyst", "service", "provider", "partner")
SCOPES = (
    " ".join(sorted(set().union(*load_users(USERS_FILE).clients.values())))
    + " directory:write referrals:write"
)
REFERENCE = "01890a5d-ac96-774b-bcce-b302099a8057"
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def apps(issuer: LoopbackIssuer) -> list[FastAPI]:
    """All services, with nothing behind them: what is refused has to be refused before that."""
    return [
        referral_app(issuer.settings(ReferralSettings, **AWAY)),
        matching_app(issuer.settings(MatchingSettings, **AWAY)),
        notifications_app(issuer.settings(NotificationsSettings, **AWAY)),
        evaluation_app(issuer.settings(EvaluationSettings, **AWAY)),
    ]


class Asker:
    """Sends requests to one service in whatever role is let in."""

    def __init__(self, app: FastAPI, issuer: LoopbackIssuer) -> None:
        self.app = app
        self._issuer = issuer
        self._roles: dict[str, str] = {}
        transport = httpx.ASGITransport(app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")

    @cache  # noqa: B019 - as long as the test
    def bearer(self, role: str) -> dict[str, str]:
        return self._issuer.bearer(
            role=role,
            localities=LOCALITIES.get(role, ["meir"]),
            practices=["M83100"],
            link_worker="lw-meir-1",
            scopes=SCOPES,
            partner="vast-hub",
        )

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer in the first role that is neither refused nor sent away."""
        key = f"{method} {path}"
        headers = more.pop("headers", {})
        for role in [self._roles[key]] if key in self._roles else ROLES:
            answer = await self._http.request(
                method, filled(path), headers=self.bearer(role) | headers, **more
            )
            if answer.status_code != 403:
                self._roles[key] = role
                return answer
        raise AssertionError(f"no role may {key}")

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self.app.openapi()["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]

    @property
    def parts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.app.openapi()["components"]["schemas"]
        return found


def filled(path: str) -> str:
    """The path with its parameters as they should be."""
    given = {"{link_worker}": "lw-meir-1", "{feed}": "tests"}
    return "/".join(given.get(part, REFERENCE) if part.startswith("{") else part for part in path.split("/"))


def body_schema(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return schema


def pointers(answer: httpx.Response) -> set[str]:
    return {error["pointer"] for error in answer.json().get("errors", [])}


async def test_a_wrong_type_in_any_body_is_422(apps: list[FastAPI], issuer: LoopbackIssuer) -> None:
    taken, walked = [], 0
    for app in apps:
        asker = Asker(app, issuer)
        for method, path, operation in asker.operations():
            schema = body_schema(operation)
            for place in places(schema, asker.parts) if schema else ():
                for value in place.wrong():
                    walked += 1
                    answer = await asker.send(
                        method,
                        path,
                        content=json.dumps(place.body(value)),
                        headers={"content-type": "application/json"},
                    )
                    told = pointers(answer) if answer.status_code == 422 else set()
                    if not any(pointer.startswith(place.pointer) for pointer in told):
                        taken.append((method, path, place.pointer, value, answer.status_code))
    assert walked > 500
    assert not taken, taken[:20]


async def test_a_far_date_in_any_parameter_is_422(apps: list[FastAPI], issuer: LoopbackIssuer) -> None:
    taken, walked = [], 0
    for app in apps:
        asker = Asker(app, issuer)
        for method, path, operation in asker.operations():
            for parameter in operation.get("parameters", []):
                whole = {"properties": {parameter["name"]: parameter["schema"]}}
                place = next(places(whole, asker.parts))
                formats = {each.get("format") for each in place.allowed}
                far = FAR_DAYS if "date" in formats else FAR_MOMENTS if "date-time" in formats else ()
                for value in far:
                    walked += 1
                    answer = await asker.send(method, path, params={parameter["name"]: value})
                    told = pointers(answer) if answer.status_code == 422 else set()
                    if place.pointer not in told:
                        taken.append((method, path, parameter["name"], value, answer.status_code))
    assert walked >= len(FAR_DAYS)
    assert not taken, taken[:20]


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("2026-01-31", True),
        ("1900-01-01", True),
        ("2199-12-31", True),
        ("2026-02-29", False),
        ("٢٠٢٦-٠١-٠١", False),
    ],
)
def test_a_day_as_text_is_taken(day: str, taken: bool) -> None:
    class Body(JsonBody):
        on: Day
        at: Moment
        opens: time

    class Outer(JsonBody):
        inside: tuple[Body, ...]
        step: NextStep

    body = {"on": day, "at": f"{day}T10:00:00.5+01:00", "opens": "09:30"}
    sent = {"inside": [body], "step": {"code": "ring", "on": day}}
    if not taken:
        with pytest.raises(ValidationError):
            Outer.model_validate(sent)
        return
    read = Outer.model_validate(sent)
    assert read.inside[0].on == read.step.on == date.fromisoformat(day)
    assert read.inside[0].at.isoformat() == f"{day}T10:00:00.500000+01:00"
    assert read.inside[0].opens == time(9, 30)
    assert Outer.model_validate(read.model_dump()) == read


RAW = {
    "not utf-8": b'{"a": "\xff"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "huge number": b'{"a": ' + b"9" * 20_000 + b"}",
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate as a name": b'{"\\ud800": 1}',
    "nul": b'{"a\\u0000b": "\\u0000"}',
    "not a number": b'{"a": NaN}',
    "twice the same": b'{"a": 1, "a": 2}',
    "cut off": b'{"a": ',
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"x"',
}


@pytest.mark.parametrize("name", RAW)
async def test_a_broken_body_is_4xx_everywhere(
    apps: list[FastAPI], issuer: LoopbackIssuer, name: str
) -> None:
    wrong = []
    for app in apps:
        asker = Asker(app, issuer)
        for method, path, operation in asker.operations():
            if "requestBody" in operation and operation["requestBody"].get("required"):
                answer = await asker.send(
                    method, path, content=RAW[name], headers={"content-type": "application/json"}
                )
                if not 400 <= answer.status_code < 500:
                    wrong.append((method, path, answer.status_code))
                assert answer.headers["content-type"] == "application/problem+json"
    assert not wrong, wrong


async def test_a_text_field_with_a_lone_surrogate_is_4xx(apps: list[FastAPI], issuer: LoopbackIssuer) -> None:
    wrong = []
    for app in apps:
        asker = Asker(app, issuer)
        for method, path, operation in asker.operations():
            schema = body_schema(operation)
            for place in places(schema, asker.parts) if schema else ():
                if "string" in place.types:
                    body = json.dumps(place.body("\ud800x"))
                    answer = await asker.send(
                        method, path, content=body, headers={"content-type": "application/json"}
                    )
                    if not 400 <= answer.status_code < 500:
                        wrong.append((method, path, place.pointer, answer.status_code))
    assert not wrong, wrong[:20]


async def test_a_text_message_of_the_wrong_type_is_422(tmp_path: Any) -> None:
    app = development_app(DevelopmentSettings(env="development", state=tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        for wrong in ({"to": 7700900123}, {"body": 1}, {"reference": True}):
            body = {"to": "07700 900123", "body": "Tuesday", "reference": "1"} | wrong
            assert (await http.post("/dev/sms", json=body)).status_code == 422


def test_a_far_date_is_told_as_a_date() -> None:
    assert sentence_for("less_than", {"lt": date(2200, 1, 1)}) == "Use a date in the years 1900 to 2199."
    assert sentence_for("greater_than_equal", {"ge": 1}) == "Use 1 or more."
