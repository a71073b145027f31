"""HEAD answers as GET does, on every GET route of every service, without a body."""

import logging
import re

import httpx
import pytest
from fastapi import FastAPI

from tests.harness.web.every_service import SERVICES, application, routes_of
from tests.harness.web.issuer import LoopbackIssuer

ID = "01980000-0000-7000-8000-000000000001"
CHANGES_WITH_EACH_ANSWER = {"x-request-id", "set-cookie", "date"}


async def asked(app: FastAPI, method: str, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://linkwork") as http:
        return await http.request(method, path, headers={"accept": "text/html"})


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGES_WITH_EACH_ANSWER}


@pytest.mark.parametrize("service", SERVICES)
async def test_head_on_each_get_route_answers_as_get(service: str, issuer: LoopbackIssuer) -> None:
    app = application(service, issuer)
    paths = {
        re.sub(r"\{[^}]*\}", ID, path) for path, route in routes_of(app) if "GET" in (route.methods or ())
    }
    assert paths >= {"/", "/livez"}
    others = {f"/api/{service}/v1/openapi.json", "/static/tools.js", "/no-such-page"}
    for path in sorted(paths | others):
        get, head = await asked(app, "GET", path), await asked(app, "HEAD", path)
        assert head.status_code == get.status_code, path
        assert head.status_code != 405, path
        assert told(head).keys() == told(get).keys(), path
        assert head.content == b"", path


async def test_head_of_a_route_for_post_alone_is_refused(issuer: LoopbackIssuer) -> None:
    app = application("matching", issuer)
    assert (await asked(app, "HEAD", "/api/matching/v1/directory/imports")).status_code == 405


async def test_head_is_logged_as_head(issuer: LoopbackIssuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "linkwork.http")
    await asked(application("matching", issuer), "HEAD", "/s/not-a-link")
    (line,) = [record for record in caplog.records if record.name == "linkwork.http"]
    assert (line.__dict__["method"], line.__dict__["route"]) == ("HEAD", "/s/{token}")
