"""The command line of `linkwork control publish|show|history|export|check`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from linkwork.arguments import AsJson
from linkwork.control_commands import ControlCommand
from shared.platform.clock import LONDON

_EPILOG: Final = """\b
examples:
  linkwork control publish localities.toml --in-force-from 2027-01-04T08:00
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
application: Final = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="The programme's table in the control topic: localities, practices, sources and their ranks.",
    epilog=_EPILOG,
    no_args_is_help=True,
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
) -> ControlCommand:
    """Publish a table as the next version, if it differs; print the differences."""
    return ControlCommand("publish", file, in_force_from)


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
def check(file: File = None) -> ControlCommand:
    """Compare the newest version with a file, and the localities' topics with one another."""
    return ControlCommand("check", file)
