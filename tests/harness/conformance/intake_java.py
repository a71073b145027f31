"""`examples/intake-java` beside the kit: the adapter that does at its desk what the kit asks people to do."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from conformance.settings import Settings
from deploy.local.ports import LOOPBACK, free_port
from tests.harness.conformance.hands import Hands
from tests.harness.conformance.ours import kafka_of
from tests.harness.referral.intake_java import NAME, ask_desk, compiled_intake, form, settings
from tests.harness.referral.people import referral_body
from tests.harness.stores import Stores


class Desk(Hands):
    """Refers, withdraws and erases at the desk of `examples/intake-java`."""

    async def _link_workers(self, body: dict[str, Any]) -> dict[str, Any]:
        """Does nothing, as the part books no meeting."""
        return {}

    async def _refer(self, body: dict[str, Any]) -> dict[str, Any]:
        slug, new = body["locality"], referral_body()
        asked = self._people.setdefault(body["person"], new) if "person" in body else new
        answer = await ask_desk(self.part_url, slug, "POST", body=form(asked, self.localities[slug]))
        if answer.status_code == httpx.codes.CONFLICT:
            return {"refused": answer.json()["type"]}
        return {"referral_id": answer.raise_for_status().json()["referral_id"]}

    async def _done(self, body: dict[str, Any], what: str, more: dict[str, Any]) -> dict[str, Any]:
        path = f"/{body['referral_id']}/{what}"
        answer = await ask_desk(self.part_url, body["locality"], "POST", path, more)
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()
        return {}

    async def _withdraw(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self._done(body, "withdrawn", {"reason": "person_asked"})

    async def _contact(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self._done(body, "contact", {"contact": body["contact"]})

    async def _erase(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self._done(body, "erased", {})

    async def _state(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = (await ask_desk(self.part_url, body["locality"], "GET")).raise_for_status()
        lines: list[dict[str, Any]] = answer.json()["referrals"]
        return next(each for each in lines if each["referral_id"] == body["referral_id"])


async def intake_beside_the_kit(
    at: Stores, folder: Path, localities: Mapping[str, str]
) -> tuple[Settings, Desk]:
    """The part in two localities, which a command starts, as a partner's is. Its desk is not started yet."""
    port, place = free_port(), folder / NAME
    address = f"http://{LOOPBACK}:{port}"
    command = await compiled_intake(place)
    desk = Desk(address, localities)
    here, there = localities
    return (
        Settings(
            kafka=kafka_of(at.kafka),
            part="referral",
            locality=here,
            practice=localities[here],
            other_locality=there,
            other_practice=localities[there],
            source=f"/{here}/{NAME}",
            inbox=True,
            api=address,
            hands=desk.url,
            start=f"exec {shlex.join(command)}",
            wipe=f"rm -f {place}/*.sqlite*",
            ready=f"{address}/readyz",
            environment=settings(place, port, address),
        ),
        desk,
    )
