"""HTTP routes by which a partner keeps the endpoints of its own sources."""

from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.notifications.webhooks.endpoint import DeliveryState, EventFilter
from services.notifications.webhooks.schemas import (
    DeliveriesOut,
    DeliveryOut,
    EndpointAdded,
    EndpointAsked,
    EndpointOut,
    EndpointsOut,
    SecretOut,
    SendAgain,
    SentAgain,
)
from services.notifications.webhooks.targets import TargetRefused
from services.notifications.webhooks.use_cases import (
    Actor,
    EndpointRefused,
    NewEndpoint,
    WebhookUseCases,
)
from shared.contract.events.models import Ref
from shared.contract.events.topics import partner_source
from shared.platform.web.auth import Principal, require
from shared.platform.web.problem import Problem, answer_with
from shared.platform.web.validation import FieldError

BASE: Final = "/api/contract/v1/webhooks"
_STATUS: Final = {"known_address": 409, "too_many": 409}
_FIELDS: Final = {"unknown_source": "/source", "unknown_event": "/events", "unknown_kind": "/kinds"}


def webhooks_of(request: Request) -> WebhookUseCases:
    """The use cases of the application that serves this request."""
    return cast("WebhookUseCases", request.app.state.webhooks)


Webhooks = Annotated[WebhookUseCases, Depends(webhooks_of)]
Partner = Annotated[Principal, Depends(require("partner"))]
EndpointId = Annotated[Ref, Path()]

router = APIRouter(prefix=BASE, tags=["webhooks"])


@router.post("", status_code=201)
async def add(asked: EndpointAsked, caller: Partner, webhooks: Webhooks, response: Response) -> EndpointAdded:
    """Add an endpoint. Its secret is in this answer alone."""
    wanted = EventFilter(frozenset(asked.events), frozenset(asked.kinds))
    new = NewEndpoint(asked.source, asked.url, wanted, asked.from_start)
    try:
        endpoint, secret = await webhooks.add(new, _actor(caller))
    except TargetRefused as refused:
        raise _problem("bad_address", str(refused), "/url") from None
    except EndpointRefused as refused:
        raise _problem(refused.code, str(refused), _FIELDS.get(refused.code)) from None
    response.headers["location"] = f"{BASE}/{endpoint.id}"
    return EndpointAdded(endpoint=EndpointOut.of(endpoint), secret=secret)


@router.get("")
async def listed(caller: Partner, webhooks: Webhooks) -> EndpointsOut:
    """List the endpoints of the caller's sources."""
    found = await webhooks.endpoints(_sources(caller))
    return EndpointsOut(endpoints=[EndpointOut.of(each) for each in found])


@router.get("/{endpoint_id}")
async def one(endpoint_id: EndpointId, caller: Partner, webhooks: Webhooks) -> EndpointOut:
    """Show one endpoint."""
    return EndpointOut.of(await webhooks.get(endpoint_id, _actor(caller)))


@router.delete("/{endpoint_id}", status_code=204)
async def remove(endpoint_id: EndpointId, caller: Partner, webhooks: Webhooks) -> None:
    """Remove an endpoint, with all that waits for it."""
    await webhooks.remove(endpoint_id, _actor(caller))


@router.post("/{endpoint_id}/disable")
async def disable(endpoint_id: EndpointId, caller: Partner, webhooks: Webhooks) -> EndpointOut:
    """Stop sending. Events wait."""
    return EndpointOut.of(await webhooks.disable(endpoint_id, _actor(caller)))


@router.post("/{endpoint_id}/enable")
async def enable(endpoint_id: EndpointId, caller: Partner, webhooks: Webhooks) -> EndpointOut:
    """Send again, at once what waits."""
    return EndpointOut.of(await webhooks.enable(endpoint_id, _actor(caller)))


@router.post("/{endpoint_id}/rotate")
async def rotate(endpoint_id: EndpointId, caller: Partner, webhooks: Webhooks) -> SecretOut:
    """Make a new secret. Both sign for 24 hours."""
    return SecretOut(secret=await webhooks.rotate(endpoint_id, _actor(caller)))


@router.get("/{endpoint_id}/deliveries")
async def deliveries(
    endpoint_id: EndpointId,
    caller: Partner,
    webhooks: Webhooks,
    state: Annotated[DeliveryState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveriesOut:
    """List events for an endpoint, the latest first."""
    states = () if state is None else (state,)
    found = await webhooks.deliveries(endpoint_id, _actor(caller), states, limit)
    return DeliveriesOut(deliveries=[DeliveryOut.of(each) for each in found])


@router.post("/{endpoint_id}/send-again")
async def send_again(
    endpoint_id: EndpointId, asked: SendAgain, caller: Partner, webhooks: Webhooks
) -> SentAgain:
    """Send events again, under the same ids."""
    if not asked.webhook_ids and asked.state is None:
        raise _problem("nothing_named", "Name webhook_ids, or the state given_up.", "/webhook_ids")
    state = None if asked.state is None else DeliveryState(asked.state)
    count = await webhooks.send_again(endpoint_id, _actor(caller), asked.webhook_ids, state)
    return SentAgain(events=count)


async def no_such_endpoint(request: Request, _: Exception) -> Response:
    """Exception handler: the endpoint of another source looks like none at all."""
    return answer_with(request, Problem(404))


def _sources(caller: Principal) -> frozenset[str]:
    """The sources that a partner's token speaks for."""
    if caller.partner is None:
        return frozenset()
    return frozenset(partner_source(slug, caller.partner) for slug in caller.localities)


def _actor(caller: Principal) -> Actor:
    return Actor(f"partner {caller.partner}", "by its own request", _sources(caller), caller)


def _problem(code: str, sentence: str, pointer: str | None) -> Problem:
    errors = [] if pointer is None else [FieldError(pointer, code, sentence)]
    return Problem(_STATUS.get(code, 422), code=code, detail=sentence, errors=errors)
