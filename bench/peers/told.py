"""The common part of every measured program: waits for the start, reports it, and ends when told."""

import argparse
import asyncio
import signal
import sys
import time


class Told:
    """`stop` is set when the program is to end."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self._began = False

    async def go(self) -> None:
        """Says that all is loaded and waits for a line."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stop.set)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    def began(self) -> None:
        """The first records are in hand. Said once."""
        if not self._began:
            self._began = True
            print(f"began {time.monotonic()}", flush=True)


def arguments() -> argparse.ArgumentParser:
    """The command line with the addresses that every program receives."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "mongo_url", "database", "read", "write", "group"):
        parser.add_argument(name)
    return parser
