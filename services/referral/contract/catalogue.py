"""All files of the contract by their path under /contract/, as bytes. Read once."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.contract import asyncapi
from shared.contract.asyncapi.loading import CONTRACT, contents
from shared.contract.compatibility.published import status

JSON: Final = "application/json"
# In the repository and in the image of the services.
ROOT: Final = CONTRACT.parents[1]
DOCUMENTS: Final = ROOT / "docs" / "contract"
# Folders of files that are served as they are: the address, and the folder in the contract.
_FOLDERS: Final[Sequence[tuple[str, Path]]] = (
    ("", DOCUMENTS),
    ("schemas/", CONTRACT / "events" / "schemas"),
    ("openapi/", CONTRACT / "api"),
    ("vectors/", CONTRACT / "history" / "vectors"),
    ("vectors/", CONTRACT / "events" / "vectors"),
    ("examples/", CONTRACT / "examples"),
    ("stories/", CONTRACT / "stories"),
)
INDEX: Final = "index.json"


@dataclass(frozen=True, slots=True)
class ServedFile:
    """One file of the contract."""

    path: str
    content: bytes
    media_type: str = JSON

    @property
    def address(self) -> str:
        """Its address on every host."""
        return f"/contract/{self.path}"

    @property
    def kilobytes(self) -> int:
        """Its size, at least 1."""
        return max(1, round(len(self.content) / 1000))


@cache
def files() -> Mapping[str, ServedFile]:
    """Every file by its path, with the index of them all."""
    found = {each.path: each for each in (*_from_folders(), *_documents())}
    index = {**status(), "files": [_entry(each) for each in found.values()]}
    content = json.dumps(index, indent=1).encode()
    return {INDEX: ServedFile(INDEX, content), **found}


def files_under(folder: str) -> list[ServedFile]:
    """The files of one folder, by path."""
    return [each for path, each in files().items() if path.startswith(f"{folder}/")]


def _from_folders() -> Iterator[ServedFile]:
    for name, folder in _FOLDERS:
        for path in sorted(folder.rglob("*.json")):
            yield ServedFile(f"{name}{path.relative_to(folder).as_posix()}", path.read_bytes())


def _documents() -> Iterator[ServedFile]:
    for name in asyncapi.names():
        text = json.dumps(asyncapi.document(name, contents()), indent=1)
        yield ServedFile(f"asyncapi/{name}.json", text.encode())


def _entry(file: ServedFile) -> dict[str, Any]:
    digest = hashlib.sha256(file.content).hexdigest()
    return {"path": file.address, "bytes": len(file.content), "sha256": digest}
