"""Directory's operations: the mailbox of a community service, and a one-tap link for it."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from shared.contract.api.casework import READS_CONTACTS
from shared.contract.api.operation import COMMAND_MS, Operation, Parameter
from shared.contract.events.models import LocalitySlug, Ref

_BASE: Final = "/api/matching/v1"
READS_DIRECTORY: Final = "directory:read"
WRITES_LINKS: Final = "links:write"


class ServiceName(BaseModel):
    """A community service as the directory names it."""

    id: Ref
    name: str


class ServiceMailbox(BaseModel):
    """A community service, and the address for requests.

    `asks_email` is null where the directory has no address, or none that the service has confirmed.
    """

    service: ServiceName
    asks_email: str | None = None
    mailbox_confirmed: Annotated[
        bool | None, Field(description="False: the service has not confirmed its address. Null: it has none.")
    ] = None


class OneTapLink(BaseModel):
    """A one-tap link, which is a secret of its service."""

    url: str


_SERVICE: Final = "01938f1c-1a2b-7c3d-8e4f-5a6b7c8d9e0f"
_PRESCRIPTION: Final = "01938f1c-2b3c-7d4e-9f50-6b7c8d9e0f1a"

SERVICE_MAILBOX: Final = Operation(
    name="readServiceMailbox",
    owner="directory",
    callers=frozenset({"notifications", "casework"}),
    method="GET",
    path=f"{_BASE}/services/{{service_id}}",
    words="A community service's name and the confirmed address at which it is asked.",
    scopes=(READS_CONTACTS, READS_DIRECTORY),
    parameters=(
        Parameter("service_id", "path", Ref, "The service, as a prescription names it.", _SERVICE),
        Parameter("locality", "query", LocalitySlug, "The locality that offers it.", "meir"),
    ),
    answer=ServiceMailbox,
    answer_example={
        "service": {"id": _SERVICE, "name": "Money desk (example)"},
        "asks_email": "asks@money-desk.example",
        "mailbox_confirmed": True,
    },
    problems=("unknown_service",),
    owners_only=False,
)
ONE_TAP_LINK: Final = Operation(
    name="makeOneTapLink",
    owner="directory",
    callers=frozenset({"notifications"}),
    method="POST",
    path=f"{_BASE}/prescriptions/{{prescription_id}}/link",
    words="A fresh one-tap link for the mail that asks a service. Earlier links work on, to their own end.",
    scopes=(WRITES_LINKS,),
    parameters=(
        Parameter("prescription_id", "path", Ref, "The service of a plan.", _PRESCRIPTION),
        Parameter("locality", "query", LocalitySlug, "The referral's locality.", "meir"),
    ),
    answer=OneTapLink,
    answer_example={"url": "https://linkwork.example.org/s/a-signed-link"},
    problems=("unknown_case", "unknown_prescription", "case_ended", "signposted", "link_ended"),
    repeats="again",
    limit_ms=COMMAND_MS,
)

DIRECTORY: Final = (SERVICE_MAILBOX, ONE_TAP_LINK)
