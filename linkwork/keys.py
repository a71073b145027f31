"""The command line of `linkwork keys status|rotate`."""

from typing import Annotated, Final

import typer

from linkwork.arguments import AsJson, command_group, reason
from linkwork.key_commands import KeysRotate, KeysStatus

_EPILOG: Final = """\b
examples:
  linkwork keys status
  linkwork keys rotate --why "the yearly rotation"

Give both the lists of keys that the services have: LINKWORK_MASTER_KEY, LINKWORK_INDEX_KEY,
LINKWORK_MAGIC_LINK_KEY, LINKWORK_DEAD_LETTER_KEY, LINKWORK_SESSION_KEY. What is not set here is not
looked at, and the output says so. A key is named by an id, which gives nothing of it away.

exit codes: 0 all is under the newest keys; 1 something is left; 2 refused, with a sentence"""

application = command_group(
    "Show what each key still holds, and move it to the newest.",
    "Keys that are lists, newest first: what each still wraps, digests or seals, in all services' databases.",
    _EPILOG,
)


@application.command(help="Show how much each key still holds.")
def status(as_json: AsJson = False) -> KeysStatus:
    """Parses `status`."""
    return KeysStatus(as_json)


@application.command(help="Move what earlier keys hold to the newest, while the services run.")
def rotate(
    why: Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")],
    limit: Annotated[
        int, typer.Option(min=1, help="At most so many people by each key; the next run goes on.")
    ] = 1_000_000_000,
    as_json: AsJson = False,
) -> KeysRotate:
    """Parses `rotate`."""
    return KeysRotate(why, limit, as_json)
