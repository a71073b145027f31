"""Incompatible changes: the rule that each breaks, and where."""

from dataclasses import dataclass
from typing import Final, Literal

Rule = Literal[
    "removed_schema",
    "removed_property",
    "removed_kind",
    "new_required",
    "no_longer_required",
    "type",
    "codes",
    "pattern",
    "format",
    "limit",
    "condition",
    "closed",
    "removed_document",
    "removed_channel",
    "address",
    "partitions",
    "security",
    "removed_message",
    "removed_operation",
    "operation",
    "new_parameter",
    "removed_answer",
    "removed_vector",
    "changed_vector",
]
# By whom the change is noticed: those who send by the published version, those who read by it, or both.
Party = Literal["senders", "readers", "all"]

SENTENCES: Final[dict[Rule, str]] = {
    "removed_schema": "the schema is gone",
    "removed_property": "the property is gone",
    "removed_kind": "the kind is gone",
    "new_required": "the property has become required",
    "no_longer_required": "the property may be missing from now on",
    "type": "another type",
    "codes": "other codes",
    "pattern": "another pattern",
    "format": "another format",
    "limit": "another limit",
    "condition": "another condition between fields",
    "closed": "other properties are no longer allowed",
    "removed_document": "the document is gone",
    "removed_channel": "the channel is gone",
    "address": "another address",
    "partitions": "another number of partitions or key",
    "security": "another way to sign in",
    "removed_message": "the message is gone",
    "removed_operation": "the operation is gone",
    "operation": "the operation leads elsewhere",
    "new_parameter": "a parameter or body has become required",
    "removed_answer": "the answer is gone",
    "removed_vector": "the vector is gone",
    "changed_vector": "the same facts give another state",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One incompatible change.

    Attributes:
        file: the file of the contract.
        place: the field, operation or vector in it.
        detail: what differs, in codes and names of the contract.
    """

    rule: Rule
    file: str
    place: str
    party: Party = "all"
    detail: str = ""

    def __str__(self) -> str:
        """One line: file, place, rule in words, and who notices."""
        party = "" if self.party == "all" else f", for {self.party}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file}: {self.place or '(whole)'}: {self.rule}: {SENTENCES[self.rule]}{detail}{party}"
