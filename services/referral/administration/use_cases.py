"""Changes of the programme's table that administrators ask for, and what became of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Request

from services.referral.identity.context import ReferralContext
from shared.delivery.control.publishing import base_of
from shared.delivery.control.requests import (
    TABLE_REQUESTS,
    TableRequest,
    TableRequests,
    change_asked,
    is_way_back,
)
from shared.delivery.control.stored import stored_records
from shared.delivery.mongo.database import Transaction
from shared.platform.localities import LocalitiesError
from shared.platform.localities.changes import PostcodeNeeded, TableChange, localities_changed
from shared.platform.localities.differences import differences
from shared.platform.localities.document import Document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.versions import TableVersion, VersionRefused, Versions
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_FURTHEST: Final = timedelta(days=366)
_LOOK_SECONDS: Final = 0.1
# In sentences about the table that a change would make.
_NAME: Final = "The table"


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version of the table for a page. `state`: in force, waits, past, or never in force."""

    version: TableVersion
    state: str
    changes: Sequence[str]


@dataclass(frozen=True)
class TableAdministration:
    """The questions of pages and API about the table. `author_key` makes the opaque author of a version."""

    context: ReferralContext
    author_key: bytes

    @property
    def requests(self) -> TableRequests:
        """The requests in this service's database."""
        return TableRequests(self.context.mongo)

    async def versions(self) -> Versions:
        """The versions that stand, as this service follows them.

        Raises:
            Problem: 409 `no_control_topic`: the table is a file.
        """
        found = Versions()
        for record in await stored_records(self.context.mongo):
            found.offer(record)
        if found.newest is None:
            detail = "The table is a file here, which the operator changes."
            raise Problem(409, code="no_control_topic", detail=detail)
        return found

    async def document(self) -> Document:
        """The document of the newest version, from which forms are filled."""
        newest = (await self.versions()).newest
        return newest.document if newest else {}

    async def preview(
        self, caller: Principal, change: TableChange, in_force_from: datetime | None = None
    ) -> list[str]:
        """The differences that a change would make, one sentence each. Nothing is stored.

        Raises:
            Problem: 403 for a change beyond the caller's localities, 409, 422 with the reason.
        """
        self.check_may(caller, localities_changed(change))
        return await self._try(change.model_dump(mode="json"), in_force_from)

    async def ask(
        self, caller: Principal, change: TableChange, in_force_from: datetime | None = None
    ) -> TableRequest:
        """Asks the operator's keeper to publish a change. Raises as `preview` does."""
        await self.preview(caller, change, in_force_from)
        return await self._store(caller, change.model_dump(mode="json"), in_force_from)

    async def back_to(self, caller: Principal, version: int) -> TableRequest:
        """Asks for the table of an earlier version again, at once. Sources and owners stay as they are.

        Raises:
            Problem: 403, 404 `unknown_version`, 409, 422 with the reason.
        """
        self.check_may(caller, None)
        if all(each.number != version for each in await self.versions()):
            raise Problem(404, code="unknown_version", detail="There is no such version.")
        change = {"kind": "back_to", "version": version}
        await self._try(change, None)
        return await self._store(caller, change, None)

    async def settled(self, identity: str, seconds: float) -> TableRequest | None:
        """The request, once it is published or refused, or as it is after so many seconds."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            found = await self.requests.find(identity)
            if found is None or found.state != "waits" or asyncio.get_running_loop().time() >= end:
                return found
            await asyncio.sleep(_LOOK_SECONDS)

    async def history(self) -> list[VersionLine]:
        """The versions, the newest first, with their differences from the one before."""
        versions, now = await self.versions(), self.context.kernel.clock()
        found, before = [], cast("Document", {})
        for version in versions:
            state = _state(version, versions, now)
            changes = differences(before, version.document) if before else ["The first version."]
            found.append(VersionLine(version, state, changes))
            before = version.document
        return found[::-1]

    def check_may(self, caller: Principal, localities: Sequence[str] | None) -> None:
        """Checks that a change is within the caller's localities; None is the whole programme.

        Raises:
            Problem: 403.
        """
        real = {each.slug: each.name for each in self.context.localities.real}
        wanted = list(real) if localities is None else localities
        strange = [real.get(slug, slug) for slug in wanted if not caller.may_locality(slug)]
        if caller.role == "programme_admin" and not strange:
            return
        detail = "This locality is not yours."
        if localities is None and strange:
            detail = (
                "Only an administrator of all localities may change this. Your sign-in does not cover "
                f"{', '.join(strange)}. Once your account does, sign out and in again."
            )
        raise Problem(403, code="locality", detail=detail)

    async def _try(self, change: Mapping[str, Any], in_force_from: datetime | None) -> list[str]:
        """Makes the change on a copy; returns the differences.

        Raises:
            Problem: 422 with the reason.
        """
        versions, now = await self.versions(), self.context.kernel.clock()
        if in_force_from is not None and not now < in_force_from <= now + _FURTHEST:
            raise _invalid("The time is from now on, and within a year.")
        try:
            base = base_of(versions, now, in_force_from, supersedes=is_way_back(change))
            document = change_asked(change, versions)(base.document)
            localities_of(document, _NAME)
        except PostcodeNeeded as wrong:
            raise Problem(422, code="postcode_needed", detail=str(wrong)) from None
        except (LocalitiesError, VersionRefused) as wrong:
            raise _invalid(str(wrong)) from None
        found = differences(base.document, document)
        if not found:
            raise _invalid("Nothing is different from the table as it is.")
        return found

    async def _store(
        self, caller: Principal, change: Mapping[str, Any], in_force_from: datetime | None
    ) -> TableRequest:
        request = TableRequest(
            self.context.kernel.new_id(),
            change,
            caller.subject,
            f"admin-{caller.actor(self.author_key)[:12]}",
            self.context.kernel.clock(),
            in_force_from,
        )

        async def work(tx: Transaction) -> None:
            await tx[TABLE_REQUESTS].insert_one(self.requests.row(request), session=tx.session)

        asked = Change(caller, f"ask_{change['kind']}", subject_ref=request.id)
        await self.context.kernel.transact(work, change=asked)
        return request


def _state(version: TableVersion, versions: Versions, now: datetime) -> str:
    if version is versions.in_force(now):
        return "in force"
    if versions.never_held(version):
        return "never in force"
    return "waits" if version.in_force_from > now else "past"


def _invalid(sentence: str) -> Problem:
    return Problem(422, code="invalid_table", detail=sentence)


def administration_of(request: Request) -> TableAdministration:
    """The use cases of the application that serves this request."""
    return cast("TableAdministration", request.app.state.administration)


Administration = Annotated[TableAdministration, Depends(administration_of)]
