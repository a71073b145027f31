"""Directory's operations: services for a need and by id, their mailboxes, one-tap links and their answers."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.contract.api.casework import READS_CONTACTS
from shared.contract.api.operation import BASE, COMMAND_MS, Operation, Parameter
from shared.contract.api.services import EXAMPLE, ServicesAsked, ServicesListed, ServicesNamed
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, LocalitySlug, Ref

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


class MailboxAsked(BaseModel):
    """Whether a mail went out. None goes to a confirmed mailbox, or to one that was asked within a day."""

    asked: Annotated[bool, Field(description="True if a mail went out now.")]


class LinkAnswer(BaseModel):
    """One answer of a service on a link of a former owner: its reply, the visit, the barrier, or places."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    service: Annotated[Ref, Field(description="The service to which the link was sent.")]
    reply: Annotated[v.Reply | None, Field(description="Whether it takes the person.")] = None
    weeks: Annotated[
        int | None, Field(ge=1, le=104, description="With `waiting_list`: how long; null if not known.")
    ] = None
    reason: Annotated[v.NotSuitableReason | None, Field(description="With `not_suitable`: why.")] = None
    visited_on: Annotated[Day | None, Field(description="The day of the first visit.")] = None
    barrier: Annotated[v.Barrier | None, Field(description="What stopped the first visit.")] = None
    places_free: Annotated[bool, Field(description="True: it has places again, for all people.")] = False

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        said = (self.reply, self.visited_on, self.barrier, self.places_free or None)
        if sum(each is not None for each in said) != 1:
            raise ValueError("give one of reply, visited_on, barrier and places_free")
        if (self.reply is v.Reply.NOT_SUITABLE) != (self.reason is not None):
            raise ValueError("a reason belongs to not_suitable, and to nothing else")
        if self.weeks is not None and self.reply is not v.Reply.WAITING_LIST:
            raise ValueError("weeks belong to waiting_list")
        return self


class LinkAnswerKept(BaseModel):
    """The prescription whose answer is recorded; the event says the same."""

    prescription_id: Annotated[Ref, Field(description="The service of the plan.")]


_SERVICE: Final = EXAMPLE["id"]
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
FIND_SERVICES: Final = Operation(
    name="findServices",
    owner="directory",
    callers=frozenset({"casework"}),
    method="POST",
    path=f"{BASE}/directory/services/find",
    words=(
        "The services of a locality for a need, as they stand now, those that are full or closed among them."
        " Casework ranks them for the person, of whom nothing is sent but about where they live."
    ),
    scopes=(READS_DIRECTORY,),
    body=ServicesAsked,
    body_example={"locality": "meir", "need": "debt", "near": [52.98, -2.1], "limit": 50},
    answer=ServicesListed,
    answer_example={"services": [EXAMPLE]},
    owners_only=False,
)
READ_SERVICES: Final = Operation(
    name="readServices",
    owner="directory",
    callers=frozenset({"casework"}),
    method="POST",
    path=f"{BASE}/directory/services/read",
    words="Services by id, for plans that have them. One that is not offered any more keeps its name.",
    scopes=(READS_DIRECTORY,),
    body=ServicesNamed,
    body_example={"locality": "meir", "services": [EXAMPLE["id"]]},
    answer=ServicesListed,
    answer_example={"services": [EXAMPLE]},
    owners_only=False,
)
ASK_MAILBOX: Final = Operation(
    name="askMailbox",
    owner="directory",
    callers=frozenset({"casework"}),
    method="POST",
    path=f"{BASE}/directory/services/{{service_id}}/mailbox",
    words="Asks a prescribed service to confirm its mailbox, once a day at most.",
    scopes=(WRITES_LINKS,),
    parameters=(
        Parameter("service_id", "path", Ref, "The service, as a prescription names it.", _SERVICE),
        Parameter("locality", "query", LocalitySlug, "The locality that offers it.", "meir"),
    ),
    answer=MailboxAsked,
    answer_example={"asked": True},
    problems=("unknown_service",),
    repeats="again",
    limit_ms=COMMAND_MS,
)
ANSWER_LINK: Final = Operation(
    name="answerLink",
    owner="directory",
    callers=frozenset(),
    method="POST",
    path=f"{BASE}/directory/prescriptions/{{prescription_id}}/answer",
    words=(
        "Records a service's answer that reached a former owner on a link of its own, as if it was given on"
        " the owner's link. So links of before a hand-over work to their end."
    ),
    scopes=(WRITES_LINKS,),
    parameters=(Parameter("prescription_id", "path", Ref, "The service of a plan.", _PRESCRIPTION),),
    body=LinkAnswer,
    body_example={"locality": "meir", "service": _SERVICE, "reply": "waiting_list", "weeks": 6},
    answer=LinkAnswerKept,
    answer_example={"prescription_id": _PRESCRIPTION},
    problems=(
        "unknown_prescription",
        "case_ended",
        "case_erased",
        "signposted",
        "link_ended",
        "already_started",
        "date_in_future",
        "date_too_early",
        "idempotency_key",
        "next_step_needed",
    ),
    repeats="key",
    limit_ms=COMMAND_MS,
    passed_on=True,
)

DIRECTORY: Final = (
    SERVICE_MAILBOX,
    ONE_TAP_LINK,
    FIND_SERVICES,
    READ_SERVICES,
    ASK_MAILBOX,
    ANSWER_LINK,
)
