"""`make run`."""

import asyncio

from deploy.local.plan import LINKWORK
from deploy.local.state import State
from deploy.local.supervisor import Supervisor

if __name__ == "__main__":
    raise SystemExit(asyncio.run(Supervisor(LINKWORK, State()).run()))
