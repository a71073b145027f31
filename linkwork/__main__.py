"""`python -m linkwork`: what an operator does by hand. `--help` lists it."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from linkwork import dead_letters, rebuild
from linkwork.databases import database_of
from linkwork.problem import CommandError
from linkwork.surroundings import Config, read_config


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="linkwork",
        description="Works with the stores that LINKWORK_KAFKA_BOOTSTRAP and LINKWORK_MONGO_URL name, "
        "or with those of the run in .linkwork/.",
    )
    whole.add_argument(
        "--by", help="who you are, for the auditor; else LINKWORK_OPERATOR, else your login name"
    )
    commands = whole.add_subparsers(dest="command", required=True)
    dead_letters.add_to(commands)
    rebuild.add_to(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 done, 1 not all of it done, 2 refused with a sentence, 130 stopped by Ctrl-C."""
    given = parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        around = read_config(os.environ, Path.cwd())
        around = replace(around, operator=given.by or around.operator)
        if not around.operator:
            raise CommandError(
                "Say who you are, with --by or LINKWORK_OPERATOR: what you do is written down."
            )
        return asyncio.run(_run(around, given))
    except CommandError as reason:
        print(reason, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


async def _run(around: Config, given: argparse.Namespace) -> int:
    if given.command == "dead-letters":
        return await dead_letters.run(around, given)
    async with database_of(around, given.service):
        pass  # it is the service's own, and lets us in
    return await rebuild.run(around, given)


if __name__ == "__main__":
    sys.exit(main())
