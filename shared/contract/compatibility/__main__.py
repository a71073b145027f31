"""Compares the contract with the last published version, or publishes it.

    python -m shared.contract.compatibility             exit code 1 if a change is incompatible
    python -m shared.contract.compatibility --publish   writes it as the published version, if that is allowed

A draft may be published over an incompatible change; a version that is none may not.
"""

import argparse
import sys

from shared.contract.compatibility.check import breaches
from shared.contract.compatibility.published import current, published, status, write


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m shared.contract.compatibility", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write the published version anew")
    publish = parser.parse_args().publish
    found = breaches(published(), current())
    for breach in found:
        sys.stdout.write(f"{breach}\n")
    version = status()
    if publish and (version["draft"] or not found):
        write()
        sys.stdout.write(f"Version {version['version']} is written.\n")
        return 0
    if not found:
        sys.stdout.write(f"Nothing of version {version['version']} is broken.\n")
        return 0
    sys.stdout.write(
        f"{len(found)} incompatible changes to version {version['version']}. Undo them, or give the new "
        "form a topic, a path or a document of its own: docs/contract/compatibility.md says how.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
