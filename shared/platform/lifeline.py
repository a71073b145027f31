"""Ends this process when the one that started it is gone, however it went.

The parent hands down a pipe that nobody writes to, its number in LINKWORK_LIFELINE_FD; it closes with the
parent. (A parent-death signal would come when the parent's *thread* ends.)
"""

import os
import signal
import threading
import time

VARIABLE = "LINKWORK_LIFELINE_FD"
GRACE = 10.0


def watch() -> None:
    """Ask this process to end once the pipe closes, and end it where it does not. Without one, do nothing."""
    if pipe := os.environ.get(VARIABLE):
        threading.Thread(target=_end_with, args=(int(pipe),), name="lifeline", daemon=True).start()


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
