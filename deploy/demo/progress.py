"""The progress of the demonstration: an interrupted run continues, and a second run does nothing."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from shared.platform.clock import Clock


class Progress:
    """The finished steps.

    All dates of the demonstration depend on `loaded_at`, the moment of the first run.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._file = folder / "demo.json"
        kept = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        self.loaded_at = datetime.fromisoformat(kept["loaded_at"]) if kept else clock().replace(microsecond=0)
        self._done: list[str] = kept.get("done", [])
        if not kept:
            folder.mkdir(parents=True, exist_ok=True)
            self._keep()

    def done(self, step: str) -> bool:
        """Tests whether a step was finished in this run or an earlier one."""
        return step in self._done

    def finish(self, step: str) -> None:
        """Stores that a step is finished."""
        self._done.append(step)
        self._keep()

    def _keep(self) -> None:
        # Written beside and renamed: a run that is killed here leaves the old file or the new one.
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"loaded_at": self.loaded_at.isoformat(), "done": self._done}), "utf-8")
        new.replace(self._file)
