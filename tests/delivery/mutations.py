"""Removes one safeguard at a time from a copy of the tree and shows which test notices.

`make mutations` runs it; with words behind it, only the safeguards whose names hold one of them. Needs a few
minutes: not a part of `make test`.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.stores import embedded

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "services", "deploy", "linkwork", "tests", "pyproject.toml")
SECONDS = 180


@dataclass(frozen=True)
class Safeguard:
    """`code` stands in `file` once and is replaced by `instead`; `tests` are run then, in tests/delivery."""

    name: str
    file: str
    code: str
    instead: str
    tests: list[str]


@dataclass(frozen=True)
class Noticed:
    """Which test failed, or None where all passed without the safeguard."""

    by: str | None
    seconds: float


def safeguards() -> list[Safeguard]:
    with (Path(__file__).parent / "safeguards.toml").open("rb") as file:
        return [Safeguard(**row) for row in tomllib.load(file)["safeguard"]]


def copy_of_the_tree(folder: Path) -> Path:
    tree = folder / "tree"
    tree.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, tree / name)
    return tree


def remove(safeguard: Safeguard, tree: Path) -> str:
    """Takes it out of the copy; gives back what the file was.

    Raises:
        LookupError: the file no longer has it in these words: the list is behind the code.
    """
    path = tree / safeguard.file
    whole = path.read_text()
    if whole.count(safeguard.code) != 1:
        raise LookupError(f"{safeguard.name}: {safeguard.file} does not have this once:\n{safeguard.code}")
    path.write_text(whole.replace(safeguard.code, safeguard.instead))
    return whole


def run(safeguard: Safeguard, tree: Path, environment: dict[str, str]) -> Noticed:
    began = time.monotonic()
    tests = [f"tests/delivery/{test}" for test in safeguard.tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Noticed("(it never ends)", time.monotonic() - began)
    failed = re.search(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py(?:::\S+)?)", done.stdout, re.MULTILINE)
    by = failed.group(1) if failed else None
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"{safeguard.name}: the tests could not be run\n{done.stdout[-2000:]}{done.stderr}"
        )
    return Noticed(by if done.returncode else None, time.monotonic() - began)


async def main(words: list[str]) -> int:
    wanted = [s for s in safeguards() if not words or any(word in s.name for word in words)]
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="linkwork-mutations-") as name:
        tree = copy_of_the_tree(Path(name))
        stores = Path(name) / "stores"
        stores.mkdir()
        async with embedded(stores) as running:
            environment = {
                **os.environ,
                "LINKWORK_KAFKA_BOOTSTRAP": running.kafka_bootstrap,
                "LINKWORK_MONGO_URL": running.mongo_url,
                "HYPOTHESIS_PROFILE": "mutations",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPYCACHEPREFIX": str(Path(name) / "pycache"),
            }
            for safeguard in wanted:
                whole = remove(safeguard, tree)
                noticed = await asyncio.to_thread(run, safeguard, tree, environment)
                (tree / safeguard.file).write_text(whole)
                unnoticed += noticed.by is None
                said = noticed.by or "NOBODY NOTICED"
                print(f"{noticed.seconds:5.0f} s  without {safeguard.name}: {said}", flush=True)
    print(f"{len(wanted)} safeguards removed, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
