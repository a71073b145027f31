"""Kafka's jars: resolved by jgo once, checked against committed hashes, kept in the venv."""

import fcntl
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from deploy.local.errors import CannotRun

# Resolved one by one: together, the managed versions of the second would change those of the first.
COORDINATES = ("org.apache.kafka:kafka_2.13:4.1.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3")
HASHES = Path(__file__).with_name("kafka-jars.sha256")
FOLDER = Path(sys.prefix) / "share" / "kafka-4.1.0"


def kafka_jars() -> Path:
    """Returns the folder with every jar that Kafka needs. Fetches them the first time.

    Raises CannotRun if they cannot be fetched, or do not match the committed hashes.
    """
    if FOLDER.is_dir():
        return FOLDER
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    # Three brokers that start at once would fetch into each other's files.
    with (FOLDER.parent / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not FOLDER.is_dir():
            with tempfile.TemporaryDirectory(dir=FOLDER.parent) as building:
                _fetch(Path(building) / FOLDER.name)
                (Path(building) / FOLDER.name).rename(FOLDER)
    return FOLDER


def _fetch(folder: Path) -> None:
    # Imported here: jgo takes a second to load, and a venv needs it once.
    import jgo
    import requests

    try:
        fetched = {jar.name: jar for wanted in COORDINATES for jar in jgo.build(wanted).all_jars}
    except (requests.RequestException, OSError, RuntimeError) as failure:
        raise CannotRun(
            f"Kafka could not be fetched from Maven Central ({type(failure).__name__}): check the network "
            "and run again, or name a broker of your own in LINKWORK_KAFKA_BOOTSTRAP."
        ) from failure
    expected: dict[str, str] = dict(line.split()[::-1] for line in HASHES.read_text().splitlines())
    folder.mkdir()
    for name, digest in expected.items():
        if name not in fetched or hashlib.sha256(fetched[name].read_bytes()).hexdigest() != digest:
            raise CannotRun(
                f"The fetched {name} is not the one this version was built with: remove it from Maven's "
                "cache (~/.m2 and ~/.cache/jgo) and run again."
            )
        shutil.copyfile(fetched[name], folder / name)


if __name__ == "__main__":
    try:
        kafka_jars()
    except CannotRun as reason:
        sys.stderr.write(f"{reason}\n")
        raise SystemExit(2) from None
