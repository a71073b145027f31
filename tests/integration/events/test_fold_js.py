"""The fold in JavaScript of `examples/fold-js` gives our states: by the vectors, and for any facts."""

import asyncio
import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.assets import node
from shared.contract.events.fact import Fact
from shared.contract.history import ALL_SECTIONS, fold_referral
from shared.contract.history.vectors import load_all, state_of
from shared.contract.history.vectors.files import fact_json
from tests.harness.history.journeys import contested, journeys
from tests.harness.history.rules.rule import SOURCES
from tests.harness.history.vectors import LOGS

EXAMPLE = Path(__file__).parents[3] / "examples" / "fold-js"
# An hour before the clocks go back: of facts about it some are on the next day in London, some are not.
SUMMER = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
MINUTES = (0, 20, 60, 95, 24 * 60, 24 * 60 + 59, 5 * 24 * 60)


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> str:
    return node(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def other(javascript: str) -> Iterator["OtherFold"]:
    with subprocess.Popen(
        [javascript, str(EXAMPLE / "fold.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield OtherFold(process)
        process.kill()


class OtherFold:
    """One process that folds a set of facts a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def state(self, facts: Sequence[Fact]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"source_priorities": SOURCES.ranks, "source_parts": SOURCES.brings}
        asked = {"facts": [fact_json(fact) for fact in facts], **told}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def spread(facts: Sequence[Fact], minutes: Sequence[int]) -> list[Fact]:
    """The same facts, each happened and said at times of its own."""
    times = [SUMMER + timedelta(minutes=each) for each in minutes]
    return [
        replace(fact, time=times[n % len(times)], recorded=times[(n + 1) % len(times)])
        for n, fact in enumerate(facts)
    ]


async def test_other_fold_passes_every_vector(javascript: str) -> None:
    process = await asyncio.create_subprocess_exec(
        javascript, str(EXAMPLE / "check.mjs"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    folds = sum(len(file.vectors) for file in load_all().values())
    logs = sum(len(json.loads(path.read_text())["vectors"]) for path in LOGS.glob("*.json"))
    # Each set of facts is folded as it stands, backwards and twice over.
    assert said.decode() == f"passed {3 * folds + logs}, failed 0\n"


@settings(suppress_health_check=list(HealthCheck), max_examples=max(300, settings().max_examples))
@given(
    facts=st.one_of(journeys(), contested()),
    minutes=st.lists(st.sampled_from(MINUTES), min_size=1, max_size=5),
)
def test_other_fold_of_any_facts_gives_our_state(
    other: OtherFold, facts: list[Fact], minutes: list[int]
) -> None:
    facts = spread(facts, minutes)
    ours = state_of(fold_referral(facts, SOURCES), ALL_SECTIONS)
    assert other.state(facts) == ours


def test_other_fold_has_under_300_lines() -> None:
    assert len((EXAMPLE / "fold.mjs").read_text().splitlines()) < 300
