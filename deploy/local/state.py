"""The state between runs, in `.linkwork/`: data, ports, secrets, logs, and our processes."""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO

from deploy.local.errors import CannotRun
from deploy.local.identity import end, identity
from deploy.local.ports import PORTS_FILE, free_port, is_free
from deploy.local.reaper import GRACE, ROOT

FOLDER = ROOT / ".linkwork"


class State:
    """The folder of one run. Call `lock` first: all other methods suppose that no other run uses it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.processes = folder / "processes"
        self.demo_loaded = folder / "demo-loaded"
        self._logs = folder / "logs"
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Takes the folder for this process. Raises CannotRun if a run has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with lock:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
            raise CannotRun(
                f"Linkwork is running already (process {holder}): "
                "stop that run first, with Ctrl-C in its terminal."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        """Releases the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def end_survivors(self) -> int:
        """Ends the processes of a killed run, the last started first. Returns their number."""
        if not self.processes.exists():
            return 0
        known = [line.split(maxsplit=1) for line in self.processes.read_text().splitlines()]
        alive = [(int(pid), name) for pid, name in known if identity(int(pid)) == name]
        for pid, name in reversed(alive):
            end(pid, name, grace=GRACE)
        self.processes.unlink()
        return len(alive)

    def log(self, name: str) -> Path:
        """The log file of a child. The log of the previous run is kept beside it."""
        self._logs.mkdir(exist_ok=True)
        return self._logs / f"{name}.log"

    def rotate_logs(self) -> None:
        """Renames the logs of the previous run to `.log.1`."""
        for log in self._logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def port(self, name: str, preferred: int | None = None) -> int:
        """The first that is free of: `preferred`, the port this part had before, any port."""
        ports = self._ports()
        wanted = (preferred, ports.get(name))
        found = next((port for port in wanted if port is not None and is_free(port)), None) or free_port()
        self.keep_port(name, found)
        return found

    def keep_port(self, name: str, port: int) -> None:
        """Writes down the port of a part, for programs that look for it."""
        (self.folder / PORTS_FILE).write_text(json.dumps(self._ports() | {name: port}, indent=1))

    def _ports(self) -> dict[str, int]:
        file = self.folder / PORTS_FILE
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def wipe(self) -> None:
        """Removes everything, the lock file with it."""
        self.lock()
        self.end_survivors()
        shutil.rmtree(self.folder)
        self.unlock()
