"""The whole of Linkwork under its own supervisor, on free ports and with databases of its own.

    python -m tests.harness.journey.run <state folder> <prefix of the databases' names>

The plan is the one of `make run`, without the demonstration; each service goes by the clock of the folder.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.plan import LINKWORK, Part, Plan, Secrets
from deploy.local.ports import free_port
from deploy.local.state import State
from deploy.local.supervisor import Supervisor
from tests.harness.journey.part import PART


def moved(part: Part, databases: str) -> Part:
    """The part with the clock of the folder. The front needs no clock."""
    if part.name == "front":
        return part

    def own(secrets: Secrets) -> Mapping[str, str]:
        return {
            **part.own(secrets),
            PART: part.name,
            "LINKWORK_DATABASE": f"{databases}_{part.name}",
        }

    return replace(part, module="tests.harness.journey.part", port=free_port(), own=own)


def plan(databases: str) -> Plan:
    return Plan(parts=tuple(moved(part, databases) for part in LINKWORK.parts))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(Supervisor(plan(sys.argv[2]), State(Path(sys.argv[1]))).run()))
