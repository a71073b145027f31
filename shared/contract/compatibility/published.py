"""The versions that are compared: the last published one as files, and the one that the code gives now."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from shared.contract import asyncapi
from shared.contract.asyncapi.loading import CONTRACT, SCHEMAS, contents
from shared.contract.compatibility.check import VECTORS, Version
from shared.contract.compatibility.schemas import without

PUBLISHED: Final = CONTRACT / "published" / "v1"
STATUS: Final = "status.json"
_API: Final = CONTRACT / "api"
_VECTORS: Final = (CONTRACT / "history" / "vectors", CONTRACT / "events" / "vectors")
_WORDS: Final = frozenset({"description", "summary", "examples", "example", "title", "externalDocs"})
# Documents beside the schemas that are not schemas.
_NO_SCHEMAS: Final = frozenset({"asyncapi.json", "authority.json"})


def status(folder: Path = PUBLISHED) -> dict[str, Any]:
    """The published version: its number, and whether it is a draft."""
    found: dict[str, Any] = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    return found


def published(folder: Path = PUBLISHED) -> Version:
    """The last published version."""
    paths = sorted(path for path in folder.rglob("*.json") if path.name != STATUS)
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths
    }


def current() -> Version:
    """The version that the code and its files give now, without words for people."""
    found = {
        **{f"schemas/{path.relative_to(SCHEMAS).as_posix()}": _json(path) for path in _schemas()},
        **{f"asyncapi/{name}.json": _without_bodies(name) for name in asyncapi.names()},
        **{f"openapi/{path.name}": _json(path) for path in sorted(_API.glob("*.json"))},
    }
    bare: dict[str, Any] = {path: without(each, _WORDS.__contains__) for path, each in found.items()}
    return bare | {VECTORS: dict(_digests())}


def write(folder: Path = PUBLISHED) -> None:
    """Writes the current version in place of the published one."""
    for path in folder.rglob("*.json"):
        if path.name != STATUS:
            path.unlink()
    for name, content in current().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


def _schemas() -> list[Path]:
    return sorted(path for path in SCHEMAS.rglob("*.json") if path.name not in _NO_SCHEMAS)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _without_bodies(name: str) -> Mapping[str, Any]:
    """A document without the schemas of bodies, which are compared as schemas."""
    document = asyncapi.document(name, contents())
    headers = {
        each: schema for each, schema in document["components"]["schemas"].items() if each.endswith("Headers")
    }
    messages = {
        each: {part: value for part, value in message.items() if part != "payload"}
        for each, message in document["components"]["messages"].items()
    }
    return document | {"components": document["components"] | {"schemas": headers, "messages": messages}}


def _digests() -> Iterator[tuple[str, str]]:
    """Each vector by file and name, or key, with a digest of what it says beside its words."""
    for folder in _VECTORS:
        for path in sorted(folder.glob("*.json")):
            for vector in _json(path)["vectors"]:
                told = {key: value for key, value in vector.items() if key not in ("name", "rule", "rules")}
                digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
                name = vector.get("name") or f"{vector['key']}/{vector['of']}"
                yield f"{path.stem}.{name}", digest
