"""`python -m linkwork`: the commands that an operator runs by hand. `--help` lists them."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Protocol, runtime_checkable

import typer

from linkwork import access, audit, control, dead_letters, keys, rebuild, streams, trigger, webhooks
from linkwork.backup import commands as backup
from linkwork.config import Config, read_config
from linkwork.errors import CommandError
from linkwork.hand_over import commands as hand_over


class Command(Protocol):
    """One command with its arguments, ready to run."""

    async def run(self, config: Config) -> int:
        """Runs the command and returns its exit code."""


@runtime_checkable
class OfflineCommand(Protocol):
    """A command that runs where there is no store."""

    def run_offline(self) -> int:
        """Runs the command and returns its exit code."""


@dataclass(frozen=True)
class Invocation:
    """A parsed command line: the command, and the operator's name if `--by` gave one."""

    command: Command
    by: str


def parse(arguments: Sequence[str]) -> Invocation:
    """Parses a command line without running its command.

    Raises:
        SystemExit: help was asked for (0), or the command line is wrong (2). Either is printed.
    """
    parsed: list[Invocation] = []
    command_line = typer.main.get_command(_application(parsed.append))
    try:
        command_line.main(args=list(arguments), prog_name="linkwork")
    except SystemExit:
        if not parsed:
            raise
    return parsed[0]


def _application(use: Callable[[Invocation], None]) -> typer.Typer:
    """The command line. Its commands return a `Command`, which `use` receives."""
    application = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Works with the stores that LINKWORK_KAFKA_BOOTSTRAP and LINKWORK_MONGO_URL name, "
        "or with those of the run in .linkwork/.",
        result_callback=lambda command, by: use(Invocation(command, by or "")),
    )
    application.callback()(_common_options)
    application.add_typer(dead_letters.application, name="dead-letters")
    application.add_typer(access.application, name="access")
    application.add_typer(streams.application, name="streams")
    application.add_typer(control.application, name="control")
    application.add_typer(hand_over.application, name="hand-over")
    application.add_typer(webhooks.application, name="webhooks")
    application.add_typer(keys.application, name="keys")
    application.add_typer(audit.application, name="audit")
    application.add_typer(backup.application, name="backup")
    application.command("rebuild", help=rebuild.HELP, epilog=rebuild.EPILOG)(rebuild.rebuild)
    application.command("trigger", help=trigger.HELP, epilog=trigger.EPILOG)(trigger.trigger)
    return application


def _common_options(
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Your name, for the auditor; else LINKWORK_OPERATOR, else your login name."
        ),
    ] = None,
) -> None:
    """Declares the options that stand before the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0 done, 1 not all of it done, 2 refused with a sentence, 130 stopped by Ctrl-C.
    """
    invocation = parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        if isinstance(invocation.command, OfflineCommand):
            return invocation.command.run_offline()
        config = read_config(os.environ, Path.cwd())
        config = replace(config, operator=invocation.by or config.operator)
        if not config.operator:
            raise CommandError(
                "Say who you are, with --by or LINKWORK_OPERATOR: what you do is written down."
            )
        return asyncio.run(invocation.command.run(config))
    except CommandError as reason:
        print(reason, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
