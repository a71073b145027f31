"""Parsers of the command line's arguments."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from shared.platform.clock import LONDON, Clock, system_clock

_AGO: Final = re.compile(r"\A(\d{1,5})([mhd])\Z")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # Kafka's timestamps begin here.


def command_group(short_help: str, first_lines: str, epilog: str) -> typer.Typer:
    """A group of commands such as `linkwork streams`; each prints its help where a command is missing.

    `short_help` is its line in the list of groups; its own page begins and ends with the other two.
    """
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        short_help=short_help,
        help=first_lines,
        epilog=epilog,
    )


def reason(text: str) -> str:
    """The operator's reason, for the auditor; a blank one is refused."""
    if not text.strip():
        raise typer.BadParameter("say why, in a few words")
    return text.strip()


def processes(text: str | int) -> int:
    """A number of processes, from 0 to 999. The option's default comes as a number."""
    if not re.fullmatch("[0-9]{1,3}", str(text)):
        raise typer.BadParameter("write how many processes are to fold, from 0 to 999")
    return int(text)


def moment(text: str, now: datetime) -> datetime:
    """`30m`, `2h`, `7d` (ago), or ISO 8601; a time without a zone is London time.

    Raises:
        ValueError: the text is none of these.
    """
    ago = _AGO.match(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=LONDON)).astimezone(UTC)


def moment_argument(clock: Clock = system_clock) -> Callable[[str], datetime]:
    """The parser of an option that takes a moment."""

    def parse(text: str) -> datetime:
        try:
            parsed = moment(text, clock())
        except (ValueError, OverflowError):
            raise typer.BadParameter("write 2026-11-23T09:00, 2026-11-23, 30m, 2h or 7d") from None
        if parsed < _EARLIEST:
            raise typer.BadParameter("nothing was set aside before 1970: name a later time")
        return parsed

    return parse


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
