"""Removes one safeguard at a time from a copy of the tree and shows which test notices.

The same tests are run on the copy as it is first: one that fails anyway notices nothing. `make mutations`
runs it; with words behind it, only the safeguards whose names hold one of them. Needs an hour: not a part of
`make test`.
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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.harness.stores import embedded

ROOT = Path(__file__).resolve().parents[3]
COPIED = ("shared", "services", "deploy", "linkwork", "tests", "pyproject.toml")
SECONDS = 180


@dataclass(frozen=True)
class Safeguard:
    """`code` stands in `file` once and is replaced by `instead`; then `tests` are run, named from tests/."""

    name: str
    file: str
    code: str
    instead: str
    tests: list[str]


@dataclass(frozen=True)
class Noticed:
    """The test that noticed, or None if all passed."""

    by: str | None
    seconds: float


# Of each set of tests that was run on the tree as it is: which of them fails there.
Anyway = dict[tuple[str, ...], str | None]


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


def run(tests: Iterable[str], tree: Path, environment: Mapping[str, str]) -> Noticed:
    began = time.monotonic()
    named = [f"tests/{test}" for test in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *named]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Noticed("(it never ends)", time.monotonic() - began)
    failed = re.search(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py(?:::\S+)?)", done.stdout, re.MULTILINE)
    by = failed.group(1) if failed else "(a test)"
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{named} could not be run\n{done.stdout[-2000:]}{done.stderr}")
    return Noticed(by if done.returncode else None, time.monotonic() - began)


def without(safeguard: Safeguard, tree: Path, environment: Mapping[str, str], anyway: Anyway) -> Noticed:
    """Finds the test that fails without the safeguard.

    Raises:
        AssertionError: one of its tests fails while it is there.
    """
    tests = tuple(safeguard.tests)
    if tests not in anyway:
        anyway[tests] = run(tests, tree, environment).by
    if fails := anyway[tests]:
        raise AssertionError(f"{fails} fails also with it")
    whole = remove(safeguard, tree)
    try:
        return run(tests, tree, environment)
    finally:
        (tree / safeguard.file).write_text(whole)


async def main(words: list[str]) -> int:
    wanted = [s for s in safeguards() if not words or any(word in s.name for word in words)]
    unnoticed = not_shown = 0
    with tempfile.TemporaryDirectory(prefix="linkwork-mutations-") as name:
        tree = copy_of_the_tree(Path(name))
        stores = Path(name) / "stores"
        stores.mkdir()
        async with embedded(stores) as running:
            environment = {
                **os.environ,
                **running.kafka.environment(),
                "LINKWORK_MONGO_URL": running.mongo_url,
                "HYPOTHESIS_PROFILE": "mutations",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPYCACHEPREFIX": str(Path(name) / "pycache"),
            }
            anyway: Anyway = {}
            for safeguard in wanted:
                try:
                    noticed = await asyncio.to_thread(without, safeguard, tree, environment, anyway)
                except AssertionError as error:
                    not_shown += 1
                    print(f"  nothing shown of {safeguard.name}: {error}", flush=True)
                    continue
                unnoticed += noticed.by is None
                said = noticed.by or "NOBODY NOTICED"
                print(f"{noticed.seconds:5.0f} s  without {safeguard.name}: {said}", flush=True)
    print(f"{len(wanted)} safeguards: {unnoticed} unnoticed, {not_shown} with tests that fail anyway")
    return 1 if unnoticed or not_shown else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
