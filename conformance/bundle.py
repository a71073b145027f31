"""The files of the contract that the kit reads: by the kit's name, and where the repository keeps them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

BUNDLED: Final = "contract"
FILES: Final[Mapping[str, str]] = {
    "texts": "docs/contract",
    "schemas": "shared/contract/events/schemas",
    "vectors": "shared/contract/history/vectors",
    "stories": "shared/contract/stories",
    "examples": "shared/contract/examples",
    "api": "shared/contract/api",
    "status.json": "shared/contract/published/v1/status.json",
}


def place(name: str) -> Path:
    """The file or folder of this name: of the distribution, or else of the repository."""
    here = Path(__file__).parent
    bundled = here / BUNDLED / name
    return bundled if bundled.exists() else here.parent / FILES[name]
