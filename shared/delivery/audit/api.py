"""HTTP route by which each service offers its audit to the guardian, and to the page that collects it."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from shared.contract.api.referral import Locality, Subject
from shared.contract.events.models import Moment, Ref
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.audit import AuditKind
from shared.platform.web.auth import require
from shared.platform.web.bodies import JsonBody
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.seams import for_user

SCOPE: Final = "audit:read"
MAX_ENTRIES: Final = 500

AuditPurpose = Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,39}$")]


class AuditAsked(JsonBody):
    """The referrals whose entries are asked for. `before`: only earlier entries."""

    locality: Locality
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=100)]
    purpose: AuditPurpose
    before: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_ENTRIES)] = 100
    on_behalf_of: Subject | None = None


class AuditLine(BaseModel):
    """One entry. `referral` is absent where the entry is about the person."""

    at: datetime
    kind: AuditKind
    caller: str
    role: str
    action: str
    referral: str | None = None
    purpose: str
    request_id: str
    codes: list[str] = []
    times: int = 1

    @classmethod
    def of(cls, row: Row, referrals: frozenset[str]) -> "AuditLine":
        """The entry as the API returns it."""
        about = str(row["subject_ref"])
        return cls(
            at=row["at"],
            kind=AuditKind(row.get("kind", AuditKind.READ)),
            caller=row["caller"],
            role=row["role"],
            action=row["action"],
            referral=about if about in referrals else None,
            purpose=row["purpose"],
            request_id=row["request_id"],
            codes=list(row.get("codes", ())),
            times=int(row.get("times", 1)),
        )


class AuditEntries(BaseModel):
    """Entries, the latest first."""

    entries: list[AuditLine]


async def entries_about(
    kernel: Kernel[Any, Any], caller: Principal, asked: AuditAsked, person: str | None = None
) -> AuditEntries:
    """The entries about these referrals of the locality. The reading itself is audited first.

    `person`: the field of a referral's document with the reference of its person, whose entries come too.
    """
    which = {"_id": {"$in": [aggregate_id(asked.locality, each) for each in asked.referrals]}}
    fields = {"referral": 1} | ({person: 1} if person else {})
    rows = [row async for row in kernel.mongo[REFERRALS].find(which, fields)]
    referrals = frozenset(str(row["referral"]) for row in rows)
    reader = for_user(caller, asked.on_behalf_of) if asked.on_behalf_of else caller
    await kernel.audit.reads(reader, "read_audit", sorted(referrals), asked.purpose, asked.locality)
    persons = {value for row in rows if person and (value := _at(row, person))}
    found = await kernel.audit.about(referrals | persons, asked.before, asked.limit)
    return AuditEntries(entries=[AuditLine.of(row, referrals) for row in found])


def audit_router(service: str, person: str | None = None) -> APIRouter:
    """The route of one service. Its application has the kernel on `app.state.kernel`."""
    router = APIRouter(prefix=f"/api/{service}/v1", tags=["audit"])

    @router.post("/audit/entries")
    async def audit_entries(
        asked: AuditAsked,
        request: Request,
        caller: Annotated[Principal, Depends(require("guardian", "service", scope=SCOPE))],
    ) -> AuditEntries:
        """The entries about these referrals, the latest first. Audited."""
        if not caller.may_locality(asked.locality):
            raise Problem(403, code="locality", detail="Your token does not cover this locality.")
        if caller.role != "service" and asked.on_behalf_of is not None:
            raise Problem(403, code="on_behalf_of", detail="Only a service asks on behalf of a user.")
        kernel: Kernel[Any, Any] = request.app.state.kernel
        return await entries_about(kernel, caller, asked, person)

    return router


def _at(row: Row, path: str) -> str | None:
    value: object = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
