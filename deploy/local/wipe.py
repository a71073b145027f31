"""`make wipe`: removes all stored data of runs. Refuses while a run is active."""

import sys

from deploy.local.errors import CannotRun
from deploy.local.state import State

if __name__ == "__main__":
    try:
        State().wipe()
    except CannotRun as reason:
        sys.stderr.write(f"{reason}\n")
        raise SystemExit(2) from None
    print("Everything in .linkwork has been removed.")
