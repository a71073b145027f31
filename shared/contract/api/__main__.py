"""Writes the OpenAPI document of each part that answers; with --check, says whether they are current."""

import json
import sys
from pathlib import Path
from typing import Final

from shared.contract.api.openapi import documents

FOLDER: Final = Path(__file__).parent


def files() -> dict[str, str]:
    """File name -> text, as generated from the operations."""
    return {f"{part}.openapi.json": json.dumps(made, indent=1) + "\n" for part, made in documents().items()}


def main(arguments: list[str]) -> int:
    """Runs the command; returns its exit code."""
    made = files()
    if "--check" in arguments:
        there = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
        stale = sorted(name for name in {*made, *there} if there.get(name) != made.get(name))
        if stale:
            sys.stderr.write(f"Not current: {', '.join(stale)}. Run `make schemas`.\n")
        return 1 if stale else 0
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
