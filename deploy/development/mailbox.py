"""A stand-in for the text message gateway, and the pages that show the sent messages."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from deploy.development.sink import Mailbox
from shared.platform.web.auth import Principal, require, require_page
from shared.platform.web.bodies import JsonBody


class TextMessage(JsonBody):
    """A message from a service to the gateway. A repeated reference means the same message."""

    model_config = ConfigDict(hide_input_in_errors=True)

    to: str = Field(min_length=1, max_length=40)
    body: str = Field(min_length=1, max_length=2_000)
    reference: str = Field(min_length=1, max_length=200)


def mailbox_routes(mailbox: Mailbox) -> APIRouter:
    """POST /dev/sms, /dev/mailbox and /dev/mailbox.json."""
    router = APIRouter(include_in_schema=False)

    @router.post("/dev/sms", status_code=202)
    async def send_text(message: TextMessage) -> dict[str, str]:
        kept = mailbox.put("sms", to=message.to, subject="", text=message.body, reference=message.reference)
        return {"id": kept.id}

    @router.get("/dev/mailbox")
    async def mailbox_page(
        request: Request, _: Annotated[Principal, Depends(require_page("programme_admin"))]
    ) -> Response:
        messages = [
            asdict(sent) | {"when": datetime.fromisoformat(sent.at)} for sent in mailbox.newest_first()
        ]
        page: Response = request.app.state.pages.page(request, "development/mailbox.html", messages=messages)
        return page

    @router.get("/dev/mailbox.json")
    async def mailbox_json(
        _: Annotated[Principal, Depends(require("programme_admin"))],
    ) -> dict[str, list[dict[str, Any]]]:
        return {"messages": [asdict(sent) for sent in mailbox.newest_first()]}

    return router
