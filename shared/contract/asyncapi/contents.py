"""The contents of the documents: the body of each kind by its schema, and an example of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.contract.asyncapi.bus import camel

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """Bodies and examples of messages.

    Attributes:
        bodies: the JSON Schema of each message's body, by the message's name.
        examples: an example of each kind, by kind.
    """

    bodies: Mapping[str, Schema]
    examples: Mapping[str, Mapping[str, Any]]


def bodies_of(published: Mapping[str, Schema]) -> dict[str, Schema]:
    """The schema of each kind's body, from the published schemas by event.

    The schema of a union is taken apart into its members, each with the definitions of the whole.
    """
    found: dict[str, Schema] = {}
    for event, schema in published.items():
        members = kinds_of(schema)
        if members:
            definitions = schema.get("$defs", {})
            found |= {camel(kind): {**each, "$defs": definitions} for kind, each in members.items()}
        else:
            found[camel(event)] = schema
    return found


def kinds_of(schema: Schema) -> dict[str, Schema]:
    """The members of a union on `kind`, by kind; none if the schema is no such union."""
    found: dict[str, Schema] = {}
    for definition in schema.get("$defs", {}).values():
        kind = definition.get("properties", {}).get("kind", {}).get("const")
        if isinstance(kind, str):
            found[kind] = definition
    return found
