"""The command line of `linkwork control publish|show|history|export|check|keep`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from linkwork.access import AccessCommand, Demo, NoUsers, Passwords
from linkwork.arguments import AsJson, command_group
from linkwork.control_commands import ControlCommand
from shared.platform.clock import LONDON

_EPILOG: Final = """\b
examples:
  linkwork control publish localities.toml --in-force-from 2027-01-04T08:00
  linkwork control publish --apply --passwords users
  linkwork control export > control.jsonl
  linkwork control publish control.jsonl

exit codes: 0 done; 1 check found something; 2 refused, with a sentence; 130 stopped by Ctrl-C"""


def _begin(text: str) -> datetime:
    """A moment of ISO 8601; a time without a zone is London time."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write 2027-01-04T08:00, or 2027-01-04") from None
    return (read if read.tzinfo else read.replace(tzinfo=LONDON)).astimezone(UTC)


File = Annotated[Path | None, typer.Argument(help="A localities file; else LINKWORK_LOCALITIES_FILE.")]
application: Final = command_group(
    "Publish, show and check the programme's table.",
    "The programme's table in the control topic: localities, practices, sources, ranks and who may say what.",
    _EPILOG,
)


@application.command()
def publish(
    file: Annotated[
        Path | None,
        typer.Argument(help="A localities file, or an export (.jsonl); else LINKWORK_LOCALITIES_FILE."),
    ] = None,
    in_force_from: Annotated[
        datetime | None,
        typer.Option(parser=_begin, metavar="TIME", help="In London unless it names a zone; else at once."),
    ] = None,
    apply: Annotated[
        bool,
        typer.Option("--apply", help="First give the users and rights, and make the topics, that it needs."),
    ] = False,
    passwords: Passwords = None,
    no_users: NoUsers = False,
    demo: Demo = False,
) -> ControlCommand:
    """Publish a table as the next version, if it differs; print the differences."""
    access = AccessCommand("apply", passwords, no_users, demo) if apply else None
    return ControlCommand("publish", file, in_force_from, access=access)


@application.command()
def show(
    version: Annotated[int | None, typer.Option(help="Its number; else the one in force.")] = None,
    as_json: AsJson = False,
) -> ControlCommand:
    """Show a version of the table."""
    return ControlCommand("show", number=version, as_json=as_json)


@application.command()
def history(as_json: AsJson = False) -> ControlCommand:
    """List the versions: made when, by whom, in force from when."""
    return ControlCommand("history", as_json=as_json)


@application.command()
def export() -> ControlCommand:
    """Print every version, one a line: commit it, to publish a lost topic again."""
    return ControlCommand("export")


@application.command()
def keep(passwords: Passwords = None, no_users: NoUsers = False, demo: Demo = False) -> ControlCommand:
    """Publish what administrators ask for on pages, with users, rights and topics, until it is stopped."""
    return ControlCommand("keep", access=AccessCommand("apply", passwords, no_users, demo))


@application.command()
def check(file: File = None) -> ControlCommand:
    """Compare the newest version with a file, and the localities' topics with one another."""
    return ControlCommand("check", file)
