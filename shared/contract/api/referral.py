"""Referral's operations: people and notes of the vault, and sessions of our own pages."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.api.operation import COMMAND_MS, EVERY_PART, Operation, Parameter
from shared.contract.events.models import Ref
from shared.contract.events.topics import SourcePart

_BASE: Final = "/api/referral/v1"
READS_CLAIMS: Final = "claims:read"
WRITES_NOTES: Final = "notes:write"
CHECKS_SESSIONS: Final = "sessions:check"

ClaimField = Literal[
    "name", "given_name", "family_name", "date_of_birth", "telephone", "email", "address", "postcode",
    "safe_to_text", "language", "interpreter", "reason", "risk", "sensitive_needs",
]  # fmt: skip
Purpose = Literal["caseload", "meeting", "message", "introduction", "plan", "directory"]
NoteKind = Literal["what_matters", "goal", "note", "risk", "reason", "unmet"]
ClaimedFields = dict[str, Any]

Locality = Annotated[str, Field(pattern=r"^[a-z-]{2,41}$")]
# The subject in the token of the user for whom a part asks.
Subject = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,120}$")]

# The purposes for which each part asks for people. Any other is refused to a partner.
PURPOSES: Final[Mapping[SourcePart, frozenset[str]]] = {
    "booking": frozenset({"caseload", "meeting"}),
    "casework": frozenset({"caseload", "meeting", "plan", "directory"}),
    "directory": frozenset({"introduction"}),
    "notifications": frozenset({"message"}),
}


class ClaimRequest(BaseModel):
    """Fields of the people behind these referrals, for a purpose."""

    model_config = ConfigDict(extra="forbid")

    locality: Locality
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    fields: Annotated[list[ClaimField], Field(min_length=1)]
    purpose: Purpose
    on_behalf_of: Subject | None = None


class Claims(BaseModel):
    """Fields by referral; a field that is not known is left out. `missing`: 404 never here, 410 erased."""

    people: dict[str, ClaimedFields]
    missing: dict[str, Literal[404, 410]]


class NewNote(BaseModel):
    """Free text about a person, for the vault."""

    model_config = ConfigDict(extra="forbid")

    locality: Locality
    kind: NoteKind
    text: Annotated[str, Field(min_length=1, max_length=5000)]


class NoteKept(BaseModel):
    """The id of a stored note, which an event may carry."""

    note_id: str


class NotesRequest(BaseModel):
    """Notes of one referral, for a purpose."""

    model_config = ConfigDict(extra="forbid")

    locality: Locality
    referral: Ref
    notes: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    purpose: Purpose = "meeting"
    on_behalf_of: Subject | None = None


class Notes(BaseModel):
    """Texts by note id. A note of another referral is left out."""

    notes: dict[str, str]


class SessionQuestion(BaseModel):
    """The session to check."""

    model_config = ConfigDict(extra="forbid")

    session: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of its id, in hex.")]


class SessionAnswer(BaseModel):
    """`open` is true if the session is open."""

    open: bool


REFERRAL_EXAMPLE: Final = "01938f1c-0d3b-7b1f-8a10-6a5b1d2c3e4f"
_NOTE: Final = "01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11"
_FROM_VAULT: Final[frozenset[SourcePart]] = frozenset(PURPOSES)
_PERSON: Final = {"name": "Example Person", "telephone": "+447700900123", "safe_to_text": "yes"}

CLAIMS: Final = Operation(
    name="readPeople",
    owner="referral",
    callers=_FROM_VAULT,
    method="POST",
    path=f"{_BASE}/claims",
    words="Fields of the people behind referrals. They are shown or sent, and never stored. Audited.",
    scopes=(READS_CLAIMS,),
    body=ClaimRequest,
    body_example={
        "locality": "meir",
        "referrals": [REFERRAL_EXAMPLE],
        "fields": ["name", "telephone", "safe_to_text"],
        "purpose": "meeting",
        "on_behalf_of": "lw-meir-1",
    },
    answer=Claims,
    answer_example={"people": {REFERRAL_EXAMPLE: _PERSON}, "missing": {}},
    purposes=PURPOSES,
    problems=("purpose",),
)
CLAIM: Final = Operation(
    name="readPerson",
    owner="referral",
    callers=_FROM_VAULT,
    method="GET",
    path=f"{_BASE}/claims/{{referral_id}}",
    words="Fields of one person: 404 if the referral is not known here, 410 if erased. Audited.",
    scopes=(READS_CLAIMS,),
    parameters=(
        Parameter("referral_id", "path", Ref, "The referral.", REFERRAL_EXAMPLE),
        Parameter("locality", "query", Locality, "The referral's locality.", "meir"),
        Parameter("fields", "query", list[ClaimField], "The fields that are needed.", ["name", "telephone"]),
        Parameter("purpose", "query", Purpose, "What the fields are for.", "meeting"),
    ),
    answer=ClaimedFields,
    answer_example={"name": "Example Person", "telephone": "+447700900123"},
    purposes=PURPOSES,
    problems=("purpose", "no_such_referral", "erased"),
)
KEEP_NOTE: Final = Operation(
    name="keepNote",
    owner="referral",
    callers=frozenset({"casework"}),
    method="POST",
    path=f"{_BASE}/referrals/{{referral_id}}/notes",
    words="Stores a text under the person's key, which erasure destroys. An event carries its id.",
    scopes=(WRITES_NOTES,),
    parameters=(Parameter("referral_id", "path", Ref, "The referral.", REFERRAL_EXAMPLE),),
    body=NewNote,
    body_example={"locality": "meir", "kind": "note", "text": "Prefers mornings."},
    answer=NoteKept,
    answer_example={"note_id": _NOTE},
    status=201,
    problems=("no_such_referral", "erased", "idempotency_key"),
    repeats="key",
    limit_ms=COMMAND_MS,
)
READ_NOTES: Final = Operation(
    name="readNotes",
    owner="referral",
    callers=frozenset({"casework"}),
    method="POST",
    path=f"{_BASE}/notes/read",
    words="The texts of a referral's notes, by note id. Audited.",
    scopes=(READS_CLAIMS,),
    body=NotesRequest,
    body_example={
        "locality": "meir",
        "referral": REFERRAL_EXAMPLE,
        "notes": [_NOTE],
        "purpose": "meeting",
        "on_behalf_of": "lw-meir-1",
    },
    answer=Notes,
    answer_example={"notes": {_NOTE: "Prefers mornings."}},
    purposes={"casework": PURPOSES["casework"]},
    problems=("purpose", "no_such_referral", "erased"),
)
SESSION: Final = Operation(
    name="checkSession",
    owner="referral",
    callers=EVERY_PART - {"referral"},
    method="POST",
    path=f"{_BASE}/sessions/check",
    words="Says whether a session of our own pages is open, and counts as use of it. Never cached.",
    scopes=(CHECKS_SESSIONS,),
    body=SessionQuestion,
    body_example={"session": "0" * 64},
    answer=SessionAnswer,
    answer_example={"open": False},
    repeats="again",
    for_partners=False,
)

REFERRAL: Final = (CLAIMS, CLAIM, KEEP_NOTE, READ_NOTES, SESSION)
