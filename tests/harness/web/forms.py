"""A browser without a window: real requests to the application, cookies kept, forms sent as shown."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI

PAGE = {"accept": "text/html", "sec-fetch-site": "same-origin"}


def browser(app: FastAPI, cookies: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client to be used as a context manager. It does not run the lifespan and follows no redirects."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://localhost:8080",
        headers=PAGE,
        cookies=dict(cookies or {}),
    )


def hidden_fields(html: str) -> dict[str, str]:
    """All hidden inputs of a page: form token, idempotency key and what else it carries."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return {unescape(name): unescape(value) for name, value in found}


async def send_form(
    client: httpx.AsyncClient, page: str, path: str, fields: Mapping[str, Any]
) -> httpx.Response:
    """Open `page`, then POST `fields` to `path` together with the page's hidden ones."""
    shown = await client.get(page)
    shown.raise_for_status()
    return await client.post(path, data=hidden_fields(shown.text) | dict(fields))
