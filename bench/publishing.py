"""Writes docs/performance.md and its picture from the kept results."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.drawing import picture
from bench.report import described
from deploy.local.reaper import ROOT

KEPT: Final = ROOT / "bench" / "measured"
PAGE: Final = ROOT / "docs" / "performance.md"
PICTURE: Final = ROOT / "docs" / "performance.svg"
ORDER: Final = (
    "kernel",
    "kernel-long",
    "kernel-latency",
    "latency",
    "admission",
    "catch-up",
    "growth",
    "page",
    "replicas",
    "localities",
    "find",
    "slots",
)
# From this load before the start, a measurement shared the machine with other work.
BUSY: Final = 2.0
BEGIN, END = "<!-- measured: begin (make bench) -->", "<!-- measured: end -->"


def kept(folder: Path = KEPT) -> list[dict[str, Any]]:
    """All kept results, in the order of the report."""
    files = {part: folder / f"{part}.json" for part in ORDER}
    return [json.loads(files[part].read_text()) for part in ORDER if files[part].exists()]


def whole(parts: Sequence[Mapping[str, Any]]) -> str:
    """The report in Markdown. A machine that is the same for all results is named once."""
    machines = {part["machine"] for part in parts}
    once = [f"On {machine}." for machine in machines] if len(machines) == 1 else []
    return "\n\n".join([*once, *(_section(part, not once) for part in parts)])


def _section(part: Mapping[str, Any], with_machine: bool) -> str:
    title, text = described(part["part"], part["result"])
    how = f"`{part['command']}`, {part['date'][:10]}, {part['version']}"
    how += f", load {part['load_before']:.1f}."
    if with_machine:
        how += f" On {part['machine']}."
    if part["load_before"] > BUSY:
        how += " **Other work ran.**"
    return f"### {title}\n\n{text}\n\n{how}"


def publish(page: Path = PAGE, image: Path = PICTURE, folder: Path = KEPT) -> None:
    """Writes the page's measured section and the picture."""
    parts = kept(folder)
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{whole(parts)}\n\n{END}{after}")
    image.write_text(picture({part["part"]: part["result"] for part in parts}))
