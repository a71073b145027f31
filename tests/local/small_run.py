"""A run with real stores, a real front and stand-ins for the services.

python -m tests.local.small_run <state folder>
"""

import asyncio
import sys
from pathlib import Path

from deploy.local.plan import Part, Plan
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

NAMES = ("development", "referral", "matching", "notifications", "evaluation")
STAND_INS = tuple(Part(name, "tests.local.stand_in", 18101 + n) for n, name in enumerate(NAMES))
SMALL = Plan(parts=(*STAND_INS, Part("front", "deploy.local.front", 18080)))

if __name__ == "__main__":
    raise SystemExit(asyncio.run(Supervisor(SMALL, State(Path(sys.argv[1]))).run()))
