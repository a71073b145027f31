"""The environments of the comparisons, made on demand: hexkit's packages and the jars of Kafka Streams."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.reaper import ROOT

OUT = ROOT / "bench" / "out"
_LOCK = ROOT / "requirements" / "bench.txt"
_STREAMS = ROOT / "bench" / "streams"


class Absent(Exception):
    """A comparison cannot be made on this machine; the sentence says why."""


def hexkit_python() -> Path:
    """The Python of an environment with hexkit, made from its lock.

    Raises:
        Absent: the packages cannot be had.
    """
    environment, stamp = OUT / "hexkit", OUT / "hexkit" / "installed"
    python, digest = environment / "bin" / "python", hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        uv = [sys.executable, "-m", "uv", "--quiet"]
        _run([*uv, "venv", "--clear", "--python", sys.executable, str(environment)], "hexkit's packages")
        install = [*uv, "pip", "install", "--python", str(python), "--require-hashes", "-r", str(_LOCK)]
        _run(install, "hexkit's packages")
        stamp.write_text(digest)
    return python


def streams_classpath() -> str:
    """The class path of the compiled Kafka Streams program and its jars.

    Raises:
        Absent: there is no Java compiler or no Maven, or the jars cannot be had.
    """
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            raise Absent(f"Kafka Streams was not measured: there is no {tool} on this machine.")
    pom, program = _STREAMS / "pom.xml", _STREAMS / "MeetingStreams.java"
    built, stamp = OUT / "streams", OUT / "streams" / "built"
    digest = hashlib.sha256(pom.read_bytes() + program.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(parents=True)
        copy = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        _run([*copy, f"-DoutputDirectory={built / 'lib'}"], "Kafka Streams' jars")
        _run(["javac", "-cp", f"{built / 'lib'}/*", "-d", str(built), str(program)], "Kafka Streams' program")
        stamp.write_text(digest)
    return f"{built / 'lib'}/*:{built}"


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Absent(f"{what} could not be had: {(done.stderr or done.stdout).strip()[-300:]}")
