"""The accessibility tools: four steppers, a cookie, no script and no inline style."""

import re

import httpx
import pytest

from shared.platform.web.accessibility import COOKIE, OPEN_COOKIE, ReadingSettings, stylesheet
from tests.harness.web.forms import send_form


async def press(client: httpx.AsyncClient, step: str, page: str = "/") -> httpx.Response:
    return await send_form(client, page, "/accessibility", {"step": step})


async def test_a_step_is_kept_and_shown(client: httpx.AsyncClient) -> None:
    answer = await press(client, "font:150", page="/?page=2")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/?page=2#accessibility-font"
    html = (await client.get("/")).text
    assert '<html lang="en-GB" class="lw-font-150">' in html
    assert ">150%<" in html
    assert "/static/accessibility.css" in html


async def test_the_tools_stay_open_for_the_next_press_only(client: httpx.AsyncClient) -> None:
    opened = re.compile(r"<details[^>]* open")
    assert not opened.search((await client.get("/")).text)

    answer = await press(client, "font:150")
    assert re.search(rf"{OPEN_COOKIE}=1; .*Max-Age=15", str(answer.headers.get_list("set-cookie")))
    assert opened.search((await client.get("/")).text)

    client.cookies.delete(OPEN_COOKIE)  # as a browser does when it ends
    html = (await client.get("/")).text
    assert not opened.search(html)
    assert "lw-font-150" in html


async def test_settings_add_up_and_reset(client: httpx.AsyncClient) -> None:
    for step in ("content:120", "font:110", "line:200", "letter:130"):
        await press(client, step)
    html = (await client.get("/")).text
    assert 'class="lw-content-120 lw-font-110 lw-line-200 lw-letter-130"' in html

    await press(client, "reset")
    assert '<html lang="en-GB">' in (await client.get("/")).text


@pytest.mark.parametrize(
    "step", ["font:90", "font:210", "font:115", "font:x", "colour:110", "font", "", "font:1e2"]
)
async def test_only_steps_that_are_offered(client: httpx.AsyncClient, step: str) -> None:
    answer = await press(client, step)

    assert answer.status_code == 400
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("return_to", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_the_way_back_is_on_this_site(client: httpx.AsyncClient, return_to: str) -> None:
    answer = await send_form(client, "/", "/accessibility", {"step": "font:110", "return_to": return_to})

    assert answer.headers["location"] == "/#accessibility-font"


@pytest.mark.parametrize(
    "cookie",
    ["", "150", "100-100-100", "150-150-150-150-150", '"><script>', "999-100-100-100", "100-100-100-١٥٠"],
)
async def test_a_cookie_not_of_ours_means_usual(client: httpx.AsyncClient, cookie: str) -> None:
    answer = await client.get("/", headers=[(b"cookie", f"{COOKIE}={cookie}".encode())])

    assert '<html lang="en-GB">' in answer.text


async def test_every_class_has_a_rule(client: httpx.AsyncClient) -> None:
    served = await client.get("/static/accessibility.css")

    assert served.headers["content-type"].startswith("text/css")
    for name in ReadingSettings.NAMES:
        for value in range(110, 201, 10):
            assert ReadingSettings().with_step(name, value).classes == f"lw-{name}-{value}"
            assert re.search(rf"\.lw-{name}-{value}\b", stylesheet())


async def test_the_first_and_last_step_stay_inside(client: httpx.AsyncClient) -> None:
    await press(client, "font:200")
    html = (await client.get("/")).text

    assert 'value="font:210"' not in html
    assert 'value="content:90"' not in html
