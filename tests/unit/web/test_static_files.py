"""A service's own stylesheet and script: content, type, and how long browsers keep them."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.platform.web.static_files import StaticFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.css").write_text("p { margin: 0 }")
    (tmp_path / "a.css").write_text("h1 { margin: 0 }")
    (tmp_path / "draft.js").write_text("export {};")
    return tmp_path


async def get(files: StaticFiles, address: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(files.router())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(address)


async def test_stylesheets_are_joined_by_name(folder: Path) -> None:
    answer = await get(StaticFiles("/a/static", folder, "a.css"), "/a/static/a.css")
    assert answer.text == "h1 { margin: 0 }\np { margin: 0 }"
    assert answer.headers["content-type"].startswith("text/css")


async def test_script_is_served_under_its_name(folder: Path) -> None:
    answer = await get(StaticFiles("/a/static", folder, "a.css", "draft.js"), "/a/static/draft.js")
    assert answer.text == "export {};"
    assert answer.headers["content-type"].startswith("text/javascript")


async def test_other_file_of_the_folder_is_not_served(folder: Path) -> None:
    assert (await get(StaticFiles("/a/static", folder, "a.css"), "/a/static/draft.js")).status_code == 404


@pytest.mark.parametrize(("query", "kept"), [("?v=1", "immutable"), ("", "max-age=3600")])
async def test_versioned_address_is_kept_longer(folder: Path, query: str, kept: str) -> None:
    answer = await get(StaticFiles("/a/static", folder, "a.css"), f"/a/static/a.css{query}")
    assert kept in answer.headers["cache-control"]


def test_version_changes_with_a_file(folder: Path) -> None:
    before = StaticFiles("/a/static", folder, "a.css", "draft.js").version
    assert StaticFiles("/a/static", folder, "a.css", "draft.js").version == before
    (folder / "draft.js").write_text("export const a = 1;")
    assert StaticFiles("/a/static", folder, "a.css", "draft.js").version != before
