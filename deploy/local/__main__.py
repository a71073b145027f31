"""`make run`, and `make stores` with the argument `stores`."""

import asyncio
import sys

from deploy.local.plan import LINKWORK, STORES
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

if __name__ == "__main__":
    plan = STORES if sys.argv[1:] == ["stores"] else LINKWORK
    raise SystemExit(asyncio.run(Supervisor(plan, State()).run()))
