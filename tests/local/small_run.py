"""A run with real stores, a real front and stand-ins for the services.

    python -m tests.local.small_run <state folder> [module]

The module, where one is named, takes the place of matching.
"""

import asyncio
import sys
from pathlib import Path

from deploy.local.plan import Part, Plan
from deploy.local.ports import free_port
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

NAMES = ("development", "referral", "matching", "notifications", "evaluation")


def small_plan(matching: str = "tests.local.stand_in") -> Plan:
    modules = {name: matching if name == "matching" else "tests.local.stand_in" for name in NAMES}
    parts = (Part(name, module, free_port()) for name, module in modules.items())
    return Plan(parts=(*parts, Part("front", "deploy.local.front", 0)))


if __name__ == "__main__":
    plan = small_plan(*sys.argv[2:])
    raise SystemExit(asyncio.run(Supervisor(plan, State(Path(sys.argv[1]))).run()))
