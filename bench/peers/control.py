"""The common part of every measured program: waits for the start, reports it, and ends on SIGTERM."""

import argparse
import asyncio
import os
import signal
import sys
import time

from shared.platform.kafka_connection import KafkaConnection, connection_from


class Control:
    """Follows the measuring process. `stop` is set when the program is to end."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._began = False

    async def go(self) -> None:
        """Reports that all is loaded and waits for a line."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stop.set)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    def began(self) -> None:
        """Reports, once, that the first records have arrived."""
        if not self._began:
            self._began = True
            print(f"began {time.monotonic()}", flush=True)


def arguments() -> argparse.ArgumentParser:
    """The command line of every measured program. The broker is in the environment (`kafka`)."""
    parser = argparse.ArgumentParser()
    for name in ("mongo_url", "database", "read", "write", "group"):
        parser.add_argument(name)
    return parser


def kafka() -> KafkaConnection:
    """The broker of the measurement, with the user who calls."""
    return connection_from(os.environ)
