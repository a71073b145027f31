"""The compose run as it is written down, for the tests that compare it with the code."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CADDYFILE = (ROOT / "deploy/compose/Caddyfile").read_text()
DOCKERFILE = (ROOT / "deploy/compose/Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = ("referral", "matching", "notifications", "evaluation")
SHARED_WITH_HOST = re.compile(r"\$\{(LINKWORK_\w+):-(.*?)\}")


@dataclass(frozen=True)
class Stage:
    """One stage of the Dockerfile: what it stands on, and the instructions of its own."""

    parent: str
    lines: tuple[str, ...]

    def arguments(self, instruction: str) -> list[str]:
        return [line.split(maxsplit=1)[1] for line in self.lines if line.split()[0] == instruction]


def stages() -> dict[str, Stage]:
    """The stages of the Dockerfile by name."""
    found: dict[str, Stage] = {}
    for text in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]:
        first, *rest = text.splitlines()
        parent, _, name = first.partition(" AS ")
        lines = tuple(line for line in rest if line and not line.startswith("#"))
        found[name] = Stage(parent, lines)
    return found


def lineage(name: str) -> list[Stage]:
    """The stages that end up in the image of this one, the last first."""
    known = stages()
    return [known[name], *lineage(known[name].parent)] if name in known else []


def module(container: str) -> str:
    """The module that a container runs."""
    program, flag, name, *_ = CONTAINERS[container]["command"]
    assert (program, flag) == ("python", "-m")
    return str(name)


def target(container: str) -> str:
    """The stage that a container's image is built from."""
    image = CONTAINERS[container]["image"]
    return next(
        str(one["build"]["target"]) for one in CONTAINERS.values() if one["image"] == image and "build" in one
    )
