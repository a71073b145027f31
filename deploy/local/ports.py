"""Free ports on this machine."""

import random
import socket
from typing import Final

LOOPBACK = "127.0.0.1"
PORTS_FILE: Final = "ports.json"  # In the folder of a run: the port of each of its parts, by name.
# Below what systems give to outgoing connections (from 32768 or 49152 on): a port chosen now is listened on
# seconds later, or on the next day.
_QUIET: Final = range(15_000, 27_000)
_TRIES: Final = 1000
_given: set[int] = set()
_chance = random.SystemRandom()  # whoever seeds `random`, as tests do, would have them all choose alike


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on, and that no outgoing connection is given meanwhile.

    The same process is given none twice: of forty that are listened on a little later, two would be the same
    in one start of fifteen.

    Raises:
        OSError: none was found.
    """
    for _ in range(_TRIES):
        port = _chance.choice(_QUIET)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError("no free port was found on this machine")


def is_open(port: int) -> bool:
    """Say whether somebody listens on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
