"""Starts the embedded run, empty, on free ports.

python -m bench.embedded <state folder>
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from deploy.local.plan import LINKWORK
from deploy.local.ports import free_port
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

PLAN = replace(
    LINKWORK,
    parts=tuple(part if part.name == "front" else replace(part, port=free_port()) for part in LINKWORK.parts),
    demo=None,
)

if __name__ == "__main__":
    raise SystemExit(asyncio.run(Supervisor(PLAN, State(Path(sys.argv[1]))).run()))
