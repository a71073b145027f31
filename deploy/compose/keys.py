"""Makes the passwords of Kafka's users, each in the volume of the container that needs it.

    python -m deploy.compose.keys

A second run changes nothing.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from deploy.local.guard import BROKER
from shared.contract.events.topics import PARTS
from shared.platform.access.declaration import ADMISSION, DEMO, OPERATOR, declare
from shared.platform.access.users import kept_passwords
from shared.platform.localities import LOCALITIES_FILE, load_localities

FOLDER: Final = Path("/keys")
# Users whose container has a volume of its own. The partners' passwords share one.
OWN: Final = (BROKER, *PARTS, ADMISSION, DEMO, OPERATOR)
OTHERS: Final = "others"
# The broker's image runs as another system user; its volume is mounted nowhere else but here.
_READABLE: Final = 0o444


def passwords_in(folder: Path, users: Iterable[str]) -> dict[str, str]:
    """The passwords of these users by name; made if missing."""
    found: dict[str, str] = {}
    for user in users:
        found |= kept_passwords(folder / (user if user in OWN else OTHERS), [user])
    return found


def main(folder: Path = FOLDER) -> None:
    """Runs the command. Partners that are added later get their passwords from `init`."""
    file = Path(os.environ.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE)
    passwords_in(folder, [BROKER, *declare(load_localities(file), demo=True).users])
    (folder / BROKER / BROKER).chmod(_READABLE)


if __name__ == "__main__":
    main()
