"""Free ports on this machine."""

import random
import socket
from typing import Final

LOOPBACK = "127.0.0.1"
PORTS_FILE: Final = "ports.json"  # In the folder of a run: the port of each of its parts, by name.
# Below the ports of outgoing connections (from 32768 or 49152 on): a port chosen now is listened on
# seconds later, or on the next day.
_QUIET: Final = range(15_000, 27_000)
_TRIES: Final = 1000
_given: set[int] = set()
_chance = random.SystemRandom()  # Tests seed `random`, and all of them would choose the same ports.


def is_free(port: int) -> bool:
    """Tests whether a process may listen on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Returns a free port that is never given to an outgoing connection.

    A process gets no port twice. Otherwise, in one start of fifteen, two of forty ports would be the same.

    Raises:
        OSError: no port was free.
    """
    for _ in range(_TRIES):
        port = _chance.choice(_QUIET)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError("no free port was found on this machine")


def is_open(port: int) -> bool:
    """Tests whether a process listens on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
