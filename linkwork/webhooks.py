"""The command line of `linkwork webhooks add|list|disable|enable|rotate|remove|deliveries|send-again`."""

from typing import Annotated, Final

import typer

from linkwork.arguments import AsJson, reason
from linkwork.webhook_commands import WebhooksCommand
from services.notifications.webhooks.endpoint import DeliveryState

_EPILOG: Final = """\b
examples:
  linkwork webhooks add /meir/vast-hub https://hooks.vast-hub.example/in --kind meeting_booked --why "by mail"
  linkwork webhooks deliveries 01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11 --state given_up
  linkwork webhooks send-again 01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11 --state given_up --why "mended"

add and rotate print the secret, this once: give it to the partner by a safe way. LINKWORK_DEAD_LETTER_KEY
must be that of the notifications service. Addresses are shown without path and query.

exit codes: 0 done; 1 nothing was like that; 2 refused, with a sentence; 130 stopped by Ctrl-C"""

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id, as listed.")]
Why = Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")]
State = Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")]

application = typer.Typer(
    rich_markup_mode=None,
    short_help="Register endpoints of partners, and look after them.",
    help="Endpoints to which events of a locality are posted, for partners that cannot read Kafka.",
    epilog=_EPILOG,
    no_args_is_help=True,
)


@application.command(help="Add an endpoint of a partner's source; print its secret.")
def add(
    source: Annotated[str, typer.Argument(help="The partner's source, such as /meir/vast-hub.")],
    url: Annotated[str, typer.Argument(help="Its address: https, on a public address.")],
    why: Why,
    event: Annotated[
        list[str] | None, typer.Option(help="Send this event only, such as meeting-booked; repeat for more.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Send this kind only, such as meeting_attended; repeat for more.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Send all that was ever said in the locality.")
    ] = False,
    as_json: AsJson = False,
) -> WebhooksCommand:
    """Parses `add`."""
    return WebhooksCommand(
        "add",
        source=source,
        url=url,
        events=tuple(event or ()),
        kinds=tuple(kind or ()),
        from_start=from_start,
        why=why,
        as_json=as_json,
    )


@application.command("list", help="List endpoints: source, address, state.")
def list_(
    source: Annotated[str | None, typer.Option(help="Those of one source only.")] = None,
    as_json: AsJson = False,
) -> WebhooksCommand:
    """Parses `list`."""
    return WebhooksCommand("list", source=source or "", as_json=as_json)


@application.command(help="Stop sending to an endpoint. Events wait.")
def disable(endpoint: EndpointId, why: Why, as_json: AsJson = False) -> WebhooksCommand:
    """Parses `disable`."""
    return WebhooksCommand("disable", endpoint, why=why, as_json=as_json)


@application.command(help="Send again, at once what waits.")
def enable(
    endpoint: EndpointId,
    why: Why,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Leave out what was said meanwhile and is not waiting yet.")
    ] = False,
    as_json: AsJson = False,
) -> WebhooksCommand:
    """Parses `enable`."""
    return WebhooksCommand("enable", endpoint, from_now=from_now, why=why, as_json=as_json)


@application.command(help="Make a new secret and print it; both sign for 24 hours.")
def rotate(endpoint: EndpointId, why: Why, as_json: AsJson = False) -> WebhooksCommand:
    """Parses `rotate`."""
    return WebhooksCommand("rotate", endpoint, why=why, as_json=as_json)


@application.command(help="Remove an endpoint, with all that waits for it.")
def remove(endpoint: EndpointId, why: Why, as_json: AsJson = False) -> WebhooksCommand:
    """Parses `remove`."""
    return WebhooksCommand("remove", endpoint, why=why, as_json=as_json)


@application.command(help="List events for an endpoint, the latest first.")
def deliveries(
    endpoint: EndpointId,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> WebhooksCommand:
    """Parses `deliveries`."""
    return WebhooksCommand("deliveries", endpoint, state=state, limit=limit, as_json=as_json)


@application.command("send-again", help="Send events again, under the same ids.")
def send_again(
    endpoint: EndpointId,
    why: Why,
    events: Annotated[
        list[str] | None, typer.Argument(metavar="WEBHOOK_ID", help="Ids, as `deliveries` lists them.")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> WebhooksCommand:
    """Parses `send-again`."""
    return WebhooksCommand(
        "send-again", endpoint, webhook_ids=tuple(events or ()), state=state, why=why, as_json=as_json
    )
