"""A running process of the plan."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from socket import gethostname

import httpx

from deploy.local.child import Child, python
from deploy.local.errors import CannotRun
from deploy.local.patience import Say, quiet, wait_while_it_gets_on, work_of
from deploy.local.plan import Part
from deploy.local.ports import LOOPBACK
from deploy.local.reaper import Reaper


class RunningPart:
    """A Python process that receives its configuration and reports when it is ready."""

    def __init__(
        self,
        part: Part,
        *,
        port: int,
        environment: Mapping[str, str],
        log: Path,
        reaper: Reaper,
        lifeline: int,
        say: Say = quiet,
    ) -> None:
        self.name = part.name
        self._say = say
        self.log = log
        self._ready = f"http://{LOOPBACK}:{port}{part.ready}"
        self._child = Child(
            part.name,
            python(part.module),
            log=log,
            reaper=reaper,
            environment={
                **environment,
                "LINKWORK_PORT": str(port),
                "LINKWORK_LIFELINE_FD": str(lifeline),
                "LINKWORK_INSTANCE_ID": _instance_id(part, environment),
            },
            inherited=(lifeline,),
            nice=part.nice,
        )

    async def start(self) -> None:
        """Starts the process and waits until it is ready. Raises CannotRun if it makes no progress."""
        self._child.start()
        await wait_while_it_gets_on(
            self._answers(),
            name=self.name,
            log=self.log,
            progress=lambda: work_of(self._child.pid, self.log),
            say=self._say,
        )

    async def stop(self) -> None:
        """Stops the process and waits for its end."""
        await self._child.stop()

    async def exited(self) -> int:
        """Waits for the end of the process. Returns the exit code."""
        return await self._child.exited()

    async def _answers(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            while True:
                if self._child.exit_code is not None:
                    raise CannotRun(f"{self.name} ended while starting: {self._child.last_words()}")
                try:
                    if (await client.get(self._ready)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass  # Not listening yet: tried again until the deadline.
                await asyncio.sleep(0.1)


def _instance_id(part: Part, environment: Mapping[str, str]) -> str:
    """An id that is the same in every run of this state folder, and in no other run on the same stores."""
    where = sha256(f"{gethostname()}:{environment['LINKWORK_STATE']}".encode()).hexdigest()
    return f"{part.name}-{where[:8]}"
