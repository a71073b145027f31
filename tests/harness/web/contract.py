"""The published contract as files: JSON Schemas, AsyncAPI and the OpenAPI documents of the four services.

`make contract` writes them to `tests/data/contract`, without words for people (descriptions, summaries and
examples), so that a difference in these files is a difference for partners.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

import httpx

from shared.contract import asyncapi
from shared.contract.api.__main__ import files as api_files
from shared.contract.asyncapi.loading import contents
from shared.contract.events import schema
from tests.harness.web.every_service import SERVICES, application
from tests.harness.web.issuer import LoopbackIssuer

FOLDER: Final = Path(__file__).parents[2] / "data" / "contract"
_FOR_PEOPLE: Final = frozenset({"description", "summary", "examples", "example"})


async def documents(issuer: LoopbackIssuer) -> dict[str, str]:
    """File name -> normalised JSON text of everything that partners build on."""
    made = {name: json.loads(text) for name, text in schema.files().items()}
    made |= {f"parts.{name}": json.loads(text) for name, text in api_files().items()}
    made |= {f"{name}.asyncapi.json": _without_bodies(name) for name in asyncapi.names()}
    for service in SERVICES:
        app = application(service, issuer)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get(f"/api/{service}/v1/openapi.json")
        made[f"{service}.openapi.json"] = answer.raise_for_status().json()
    return {name: json.dumps(_without_words(each), indent=1) + "\n" for name, each in made.items()}


def _without_bodies(name: str) -> dict[str, Any]:
    """A part's document without the messages and schemas that the partner's has, too."""
    document = asyncapi.document(name, contents())
    return document if name == asyncapi.PARTNER else document | {"components": {}}


def _without_words(value: Any, *, names_of_fields: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_words(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_words(each, names_of_fields=name in ("properties", "schemas", "messages"))
        for name, each in sorted(value.items())
        if names_of_fields or name not in _FOR_PEOPLE
    }


def agreed() -> dict[str, str]:
    """The same as it was agreed."""
    return {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.json")}


async def main() -> None:
    for name, text in (await documents(LoopbackIssuer())).items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text)
    sys.stdout.write(f"The contract is written to {FOLDER}.\n")


if __name__ == "__main__":
    asyncio.run(main())
