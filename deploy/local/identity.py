"""Identifies a process by more than its id: the system reuses ids, so an id alone is never signalled."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def identity(pid: int) -> str | None:
    """The start time and boot of the process; None if there is none, or only a zombie of it."""
    if sys.platform != "linux":
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        return found.stdout.strip() or None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold spaces. The state follows it, as the third field.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def end(pid: int, known_as: str, *, grace: float) -> None:
    """Ends a process and its session: first by request, after `grace` seconds by force.

    Does nothing if the pid now belongs to a process other than the one `known_as`.
    """
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if identity(pid) != known_as:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while identity(pid) == known_as and time.monotonic() < deadline:
            time.sleep(0.02)
