"""An interrupted run is gone on with from the same moment; half a file is never left."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.progress import Progress

FIRST = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
LATER = datetime(2027, 5, 1, 9, 0, tzinfo=UTC)


def test_the_first_moment_is_kept_and_steps_are_remembered(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "state", lambda: FIRST)
    assert not progress.done("directory")
    progress.finish("directory")
    again = Progress(tmp_path / "state", lambda: LATER)
    assert again.loaded_at == FIRST
    assert again.done("directory")
    assert not again.done("history")
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["demo.json"]
