"""The broker and the database of a run, each reached directly and through proxies."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from chaos.proxy import Proxy
from deploy.local.errors import CannotRun
from deploy.local.guard import CLIENTS, CONTROLLER
from deploy.local.kafka import Kafka
from deploy.local.mongo import Mongo
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.reaper import Reaper
from shared.platform.kafka_connection import KafkaConnection

DISK_BYTES = 4 * 1024**3
STARTS = 3
_MOUNTED_BY = "linkwork-chaos-"


class Broker:
    """One broker. Each of `proxied` has a listener of its own, whose advertised address is a proxy's."""

    replication = 1

    def __init__(self, folder: Path, reaper: Reaper, proxied: Iterable[str]) -> None:
        self.proxies = {name: Proxy(free_port(), free_port()) for name in proxied}
        port, controller = free_port(), free_port()
        self.kafka = Kafka(
            folder / "kafka",
            reaper=reaper,
            log=folder / "logs" / "kafka.log",
            port=port,
            controller_port=controller,
            settings=_listeners(port, controller, self.proxies),
        )
        self.connection = self.kafka.connection

    def connection_for(self, name: str) -> KafkaConnection:
        """The connection of a process: through its proxy if it has one."""
        proxy = self.proxies.get(name)
        return self.connection.at(f"{LOOPBACK}:{proxy.port}") if proxy else self.connection

    async def start(self) -> None:
        """Starts the broker and its proxies."""
        await self.kafka.start()
        for proxy in self.proxies.values():
            await proxy.start()

    async def kill_and_start(self) -> None:
        """Kills the broker with SIGKILL, and starts it again."""
        _kill(self.kafka.pid)
        await self.kafka.exited()
        await start_patiently(self.kafka)

    async def stop(self) -> None:
        """Stops the proxies and the broker."""
        for proxy in self.proxies.values():
            await proxy.stop()
        await self.kafka.stop()


def _listeners(port: int, controller: int, proxies: Mapping[str, Proxy]) -> dict[str, str]:
    names = {name.replace("-", "").upper(): proxy for name, proxy in proxies.items()}
    direct = f"{CLIENTS}://{LOOPBACK}:{port}"
    bound = [direct, *(f"{name}://{LOOPBACK}:{proxy.to}" for name, proxy in names.items())]
    said = [direct, *(f"{name}://{LOOPBACK}:{proxy.port}" for name, proxy in names.items())]
    kinds = ",".join(f"{name}:SASL_PLAINTEXT" for name in (CONTROLLER, CLIENTS, *names))
    return {
        "listeners": ",".join([*bound, f"{CONTROLLER}://{LOOPBACK}:{controller}"]),
        "advertised.listeners": ",".join(said),
        "listener.security.protocol.map": kinds,
        "num.network.threads": "1",
        # A partner's client may stamp its records by the run's clock, which is days ahead of the broker's.
        "log.message.timestamp.after.max.ms": str(2**62),
    }


class Database:
    """A mongod. `small` is True if it has a small file system of its own, which root can mount."""

    def __init__(self, folder: Path, reaper: Reaper, proxied: Iterable[str]) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir(parents=True)
        self.small = _mount(self.folder)
        self.mongo = Mongo(self.folder / "mongo", reaper=reaper, log=folder / "logs" / "mongod.log")
        self.proxies = {name: Proxy(free_port(), self.mongo.port) for name in proxied}
        self.url = self._direct(self.mongo.port)
        self._ballast = self.folder / "ballast"

    def _direct(self, port: int) -> str:
        # Direct: a client that discovers the set's members would bypass the proxy.
        return f"mongodb://{LOOPBACK}:{port}/?directConnection=true"

    def url_for(self, name: str) -> str:
        """The address for a process: through its proxy if it has one."""
        return self._direct(self.proxies[name].port) if name in self.proxies else self.url

    async def start(self) -> None:
        """Starts the database and its proxies."""
        await self.mongo.start()
        for proxy in self.proxies.values():
            await proxy.start()

    def kill(self) -> None:
        """Kills the database with SIGKILL."""
        _kill(self.mongo.pid)

    async def start_again(self) -> None:
        """Waits for the end of the database and starts it again."""
        await self.mongo.exited()
        await start_patiently(self.mongo)

    def ended(self) -> bool:
        """True if the process has ended."""
        return self.mongo.pid is None or not _alive(self.mongo.pid)

    def fill(self) -> None:
        """Fills the file system to its last byte."""
        with self._ballast.open("ab") as ballast:
            while (free := os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), free)
                except OSError:
                    return

    def make_room(self) -> None:
        """Frees the file system."""
        self._ballast.unlink(missing_ok=True)

    async def stop(self) -> None:
        """Stops the database and its proxies, and unmounts its file system."""
        for proxy in self.proxies.values():
            await proxy.stop()
        self.make_room()
        await self.mongo.stop()
        if self.small:
            await asyncio.to_thread(subprocess.run, ["umount", str(self.folder)], check=True)
            self.small = False


async def start_patiently(store: Kafka | Mongo) -> None:
    """Starts a killed store, with several attempts, because the machine may be busy."""
    for _ in range(STARTS - 1):
        try:
            return await store.start()
        except CannotRun:
            await asyncio.sleep(1)
    return await store.start()


def _mount(folder: Path) -> bool:
    """Mounts a file system in memory, of limited size. Only root on Linux can do this."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    for source, left in (line.split()[:2] for line in Path("/proc/mounts").read_text().splitlines()):
        # A killed run could not unmount its own.
        if source.startswith(_MOUNTED_BY) and not Path("/proc", source.removeprefix(_MOUNTED_BY)).exists():
            subprocess.run(["umount", left], check=False, capture_output=True)
    source = f"{_MOUNTED_BY}{os.getpid()}"
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", source, str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _kill(pid: int | None) -> None:
    if pid is not None and _alive(pid):
        os.kill(pid, signal.SIGKILL)
