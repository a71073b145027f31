"""The machine in words."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def described() -> str:
    """Processor, memory and versions, for comparison with other machines."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "motor", "pymongo", "pydantic"))
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}, {packages}, "
        "Kafka 4.1 and MongoDB as `make run` starts them, everything on the one machine"
    )


def load() -> float:
    """The machine's load average of the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
