"""Errors say what to mend and never repeat what was sent."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st

from shared.platform.web.validation import FieldError, field_errors
from tests.harness.web.forms import browser

SAMPLES = "/api/linkwork/v1/samples"


async def post(client: httpx.AsyncClient, body: Any) -> dict[str, Any]:
    answer = await client.post(SAMPLES, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    return document


async def test_a_document_says_what_and_where(client: httpx.AsyncClient) -> None:
    document = await post(client, {"name": "", "needs": ["debt", "gold"], "age": 12})

    assert document == {
        "type": "urn:linkwork:problem:invalid",
        "title": "Something needs to be put right",
        "status": 422,
        "errors": [
            {"pointer": "/name", "code": "string_too_short", "detail": "This is needed."},
            {
                "pointer": "/needs/1",
                "code": "literal_error",
                "detail": "Use one of the values listed in the documentation.",
            },
            {"pointer": "/age", "code": "greater_than_equal", "detail": "Use 18 or more."},
        ],
    }


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name"]),
        ([], [""]),
        ("text", [""]),
        ({"name": "a", "contact": {"kind": "phone"}}, ["/contact/number"]),
        ({"name": "a", "contact": {"kind": "phone", "number": "Ada"}}, ["/contact/number"]),
        ({"name": "a", "contact": {"kind": "pigeon"}}, ["/contact/kind"]),
        ({"name": "a", "contact": {}}, ["/contact/kind"]),
        ({"name": "a", "Ada Example": 1}, [""]),
        ({"name": "a", "contact": {"kind": "email", "address": "a@b", "Ada": 1}}, ["/contact"]),
        ({"name": "a", "extras": {"Ada": "x"}}, ["/extras"]),
    ],
)
async def test_pointers_lead_to_the_place(client: httpx.AsyncClient, body: Any, pointers: list[str]) -> None:
    document = await post(client, body)

    assert [error["pointer"] for error in document["errors"]] == pointers


async def test_text_that_is_not_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(SAMPLES, content=b'{"name": Ada', headers={"content-type": "application/json"})

    assert answer.json()["errors"] == [{"pointer": "", "code": "not_json", "detail": "The body is not JSON."}]


async def test_parameters_are_named(client: httpx.AsyncClient) -> None:
    answer = await client.get(SAMPLES, params={"limit": "Ada"})

    assert answer.json()["errors"] == [
        {"pointer": "/limit", "code": "int_parsing", "detail": "Use a whole number."}
    ]


MARK = "Zq7Zq7"
marked = st.text(max_size=8).map(lambda text: f"{MARK}{text}")
values = st.recursive(
    st.one_of(marked, st.none(), st.booleans(), st.just(99999937), marked.map(lambda text: [text])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(marked, inner, max_size=3)),
    max_leaves=6,
)
bodies = st.one_of(
    values,
    st.dictionaries(
        st.one_of(marked, st.sampled_from(["name", "needs", "age", "contact", "extras", "kind", "number"])),
        values,
        max_size=5,
    ),
)


@given(body=bodies)
@example(body={"extras": {MARK: "not a number"}})  # a key that might be a name of ours, and is the caller's
async def test_nothing_that_was_sent_comes_back(app: FastAPI, body: Any) -> None:
    async with browser(app) as client:
        answer = await client.post(SAMPLES, json=body)

    assert answer.status_code in (200, 422)
    assert MARK not in answer.text
    assert "99999937" not in answer.text


async def test_the_unexpected_tells_nothing(client: httpx.AsyncClient) -> None:
    api = await client.get("/api/linkwork/v1/broken")
    page = await client.get("/sample/broken")

    assert (api.status_code, page.status_code) == (500, 500)
    assert api.json() == {
        "type": "urn:linkwork:problem:unexpected",
        "title": "Something went wrong on our side",
        "status": 500,
    }
    for answer in (api, page):
        assert "Ada" not in answer.text
        assert "RuntimeError" not in answer.text


async def test_people_get_a_page_and_programs_a_document(client: httpx.AsyncClient) -> None:
    page = await client.get("/nowhere/Ada")
    program = await client.get("/nowhere/Ada", headers={"accept": "application/json"})

    assert page.headers["content-type"].startswith("text/html")
    assert "Not found" in page.text
    assert "Ada" not in page.text.replace('value="/nowhere/Ada"', ""), "only the toolbar's way back"
    assert program.headers["content-type"] == "application/problem+json"
    assert json.loads(program.text)["status"] == 404


def test_a_form_names_its_fields_alone() -> None:
    errors = field_errors([{"type": "missing", "loc": ("risks", 0, "note")}])

    assert errors == [FieldError("/risks/0/note", "missing", "This is needed.")]
    assert errors[0].field == "risks"
