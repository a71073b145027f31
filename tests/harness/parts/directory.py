"""A directory part as small as one can be: it knows the published documents, and nothing of our code.

`say` publishes its facts, as (event, body): a test decides where.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

from tests.harness.contract.parts import described, example_of
from tests.harness.parts.operations import Answer, Asked, Refusal, ServedPart

Say = Callable[[str, dict[str, Any]], Awaitable[None]]


@dataclass
class StubDirectory:
    """The directory of one locality.

    Attributes:
        services: its entries, by id; a test changes them.
        asked_mailboxes: services whose mailbox it was told to ask, in order.
        prescribed: the referral of each prescription that it has heard of.
        links: prescriptions for which a link was made, in order.
    """

    locality: str
    say: Say
    address: str = "https://directory.example"
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked_mailboxes: list[str] = field(default_factory=list)
    prescribed: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def served(self) -> ServedPart:
        """Its operations."""
        answers: dict[str, Answer] = {
            "findServices": self._find,
            "readServices": self._read,
            "readServiceMailbox": self._mailbox,
            "askMailbox": self._ask_mailbox,
            "makeOneTapLink": self._link,
            "answerLink": self._answer,
        }
        return ServedPart("directory", answers)

    def list_service(self, name: str, need: str, **changes: Any) -> str:
        """Lists a service, by default the example's, and returns its id."""
        (entry,) = example_of(described()["findServices"].told["responses"]["200"])["services"]
        identity = str(uuid4())
        self.services[identity] = {**entry, "id": identity, "name": name, "needs": [need], **changes}
        return identity

    async def reply(self, prescription: str, reply: str, **more: Any) -> None:
        """Says a service's reply, as given on its own link."""
        await self._outcome(prescription, "provider_replied", reply=reply, **more)

    async def visited(self, prescription: str, on: date) -> None:
        """Says the first visit, as the service gave it on its own link."""
        await self._outcome(prescription, "activity_started", on=on.isoformat())

    async def _outcome(self, prescription: str, kind: str, **fields: Any) -> None:
        about = {"referral_id": self.prescribed[prescription], "locality": self.locality, "kind": kind}
        await self.say("outcome-recorded", about | {"prescription_id": prescription} | fields)

    async def _find(self, asked: Asked) -> Any:
        need = asked.body["need"]
        found = [one for one in self.services.values() if need in one["needs"]]
        return {"services": found[: asked.body.get("limit", 200)]}

    async def _read(self, asked: Asked) -> Any:
        wanted = asked.body["services"]
        return {"services": [self.services[name] for name in wanted if name in self.services]}

    def _entry(self, asked: Asked) -> dict[str, Any]:
        entry = self.services.get(asked.given["service_id"])
        if entry is None:
            raise Refusal(404, "unknown_service")
        return entry

    async def _mailbox(self, asked: Asked) -> Any:
        entry = self._entry(asked)
        confirmed = entry["mailbox_confirmed"]
        return {
            "service": {"id": entry["id"], "name": entry["name"]},
            "asks_email": "asks@service.example" if confirmed else None,
            "mailbox_confirmed": confirmed,
        }

    async def _ask_mailbox(self, asked: Asked) -> Any:
        entry = self._entry(asked)
        self.asked_mailboxes.append(entry["id"])
        return {"asked": entry["mailbox_confirmed"] is False}

    async def _link(self, asked: Asked) -> Any:
        self.links.append(asked.given["prescription_id"])
        return {"url": f"{self.address}/answer/{uuid4()}"}

    async def _answer(self, asked: Asked) -> Any:
        prescription, said = asked.given["prescription_id"], asked.body
        if prescription not in self.prescribed:
            raise Refusal(404, "unknown_prescription")
        if reply := said.get("reply"):
            more = {name: said[name] for name in ("weeks", "reason") if said.get(name) is not None}
            await self.reply(prescription, reply, **more)
        elif on := said.get("visited_on"):
            await self._outcome(prescription, "activity_started", on=on)
        elif barrier := said.get("barrier"):
            await self._outcome(prescription, "activity_not_started", barrier=barrier)
        return {"prescription_id": prescription}
