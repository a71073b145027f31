"""The command line of `linkwork dead-letters list|show|replay|discard`."""

from datetime import datetime
from typing import Annotated, Final

import typer

from linkwork.arguments import AsJson, command_group, moment_argument, reason
from linkwork.dead_letter_commands import DeadLettersCommand, Filters
from linkwork.dead_letter_decisions import State
from shared.contract.events.topics import Part

_MOMENT: Final = (
    "2026-11-23T09:00 or 2026-11-23, in London unless it names a zone (as 09:00Z does); or 2h, 7d ago"
)
_EPILOG: Final = """\b
examples:
  linkwork dead-letters list --since 2d --state new
  linkwork dead-letters replay --service matching --reason handler_failed --yes --why "mended in 1.4.2"

--json prints a list of objects: letter (topic/partition/offset), id, service, reason, error, locality, time,
state, last_replay. For show it prints one such object with record: key, headers, value, sha256.

exit codes: 0 done; 1 not all of it: a letter was not taken (yet) or discarded, or a place has none;
2 refused or given up, with a sentence; 130 stopped by Ctrl-C"""

Letters = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER", help="topic/partition/offset, as listed.")
]
Service = Annotated[Part | None, typer.Option(help="The service that set it aside.")]
ReasonCode = Annotated[str | None, typer.Option("--reason", help="Its code, such as handler_failed.")]
Locality = Annotated[str | None, typer.Option(help="The locality of the topic that it came by.")]
StateName = Annotated[State | None, typer.Option(help="Its state.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment_argument(), metavar="TIME", help=f"Set aside at this time or later: {_MOMENT}."
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=moment_argument(), metavar="TIME", help="Set aside before this time."),
]
Why = Annotated[
    str,
    typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor; nothing of a person."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it with more than one.")]
Wait = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="How long to wait for the service to handle them; it handles them later in any case.",
    ),
]

application = command_group(
    "List, show, replay and discard records that could not be handled.",
    "Records that a service could not handle and set aside, sealed.",
    _EPILOG,
)


@application.command("list", help="List what was set aside: where, when and why.")
def list_(
    letters: Letters = None,
    service: Service = None,
    reason_code: ReasonCode = None,
    locality: Locality = None,
    state: StateName = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> DeadLettersCommand:
    """Parses `list`."""
    filters = Filters(tuple(letters or ()), service, reason_code, locality, state, since, until)
    return DeadLettersCommand("list", filters, as_json=as_json)


@application.command("show", help="Open one letter; needs the dead-letter key.")
def show(
    why: Why,
    letters: Letters = None,
    service: Service = None,
    reason_code: ReasonCode = None,
    locality: Locality = None,
    state: StateName = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> DeadLettersCommand:
    """Parses `show`."""
    filters = Filters(tuple(letters or ()), service, reason_code, locality, state, since, until)
    return DeadLettersCommand("show", filters, why=why, as_json=as_json)


@application.command("replay", help="Have the service that failed handle them again.")
def replay(
    why: Why,
    letters: Letters = None,
    service: Service = None,
    reason_code: ReasonCode = None,
    locality: Locality = None,
    state: StateName = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    wait: Wait = 15.0,
    as_json: AsJson = False,
) -> DeadLettersCommand:
    """Parses `replay`."""
    filters = Filters(tuple(letters or ()), service, reason_code, locality, state, since, until)
    return DeadLettersCommand("replay", filters, why=why, yes=yes, wait=wait, as_json=as_json)


@application.command("discard", help="Mark letters as not to be handled.")
def discard(
    why: Why,
    letters: Letters = None,
    service: Service = None,
    reason_code: ReasonCode = None,
    locality: Locality = None,
    state: StateName = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> DeadLettersCommand:
    """Parses `discard`."""
    filters = Filters(tuple(letters or ()), service, reason_code, locality, state, since, until)
    return DeadLettersCommand("discard", filters, why=why, yes=yes, as_json=as_json)
