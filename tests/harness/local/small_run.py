"""A run with a real front and stand-ins for the services.

    python -m tests.harness.local.small_run <state folder> [matching=<module>] [demo=<module>]

A module that is named takes the place of the stand-in for matching, or is played when all are ready. `stores`
starts the stores alone.
"""

import asyncio
import sys
from pathlib import Path

from deploy.local.plan import STORES, Part, Plan
from deploy.local.ports import free_port
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

NAMES = ("development", "referral", "matching", "notifications", "evaluation")


def small_plan(named: dict[str, str]) -> Plan:
    parts = (Part(name, named.get(name, "tests.harness.local.stand_in"), free_port()) for name in NAMES)
    demo = Part("demo", named["demo"], 0) if "demo" in named else None
    return Plan(parts=(*parts, Part("front", "deploy.local.front", 0)), demo=demo)


if __name__ == "__main__":
    given = sys.argv[2:]
    plan = STORES if given == ["stores"] else small_plan(dict(argument.split("=") for argument in given))
    raise SystemExit(asyncio.run(Supervisor(plan, State(Path(sys.argv[1]))).run()))
