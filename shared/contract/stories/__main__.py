"""Folds the stories again: writes their states, or with `--check` says which files are not current.

Exit code 1 with `--check` if a file is not current.
"""

import argparse
import sys

from shared.contract.stories.states import stale, written
from shared.contract.stories.story import FOLDER


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m shared.contract.stories", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name the files that differ")
    check = parser.parse_args().check
    old = stale()
    for name in old:
        sys.stdout.write(f"{name} {'is not current' if check else 'written'}\n")
        if not check:
            path = FOLDER / name
            path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
