"""The bus as a document: servers with security, and the channels with their Kafka settings."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.contract.events import topics

BINDING: Final = "0.5.0"
# As deploy/topics.py makes them, if the programme sets no other number.
PARTITIONS: Final = 3
PARTNER_PARTITIONS: Final = 1
_RECORD_BYTES: Final = 1048588
_SAYS: Final[Mapping[topics.EventName, str]] = {
    "referral-created": "Somebody needs help with these things, at this practice, in this locality.",
    "meeting-booked": "This link worker meets them then and there; `sequence` counts rebookings.",
    "outcome-recorded": "One thing that happened afterwards, a union on `kind`.",
}

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "saslScram": {
        "type": "scramSha512",
        "description": (
            "SASL with SCRAM-SHA-512. A partner's user is `<locality>.<partner>`; a service's is its name. "
            "The programme team gives the password."
        ),
    },
    "clientCertificate": {
        "type": "X509",
        "description": "Mutual TLS: the broker knows the client by the subject of its certificate.",
    },
}
SERVERS: Final[Mapping[str, Any]] = {
    "production": {
        "host": "{host}:{port}",
        "protocol": "kafka-secure",
        "description": "SASL_SSL, or SSL with a client certificate. The programme team names host and port.",
        "variables": {
            "host": {"default": "kafka.linkwork.example.org"},
            "port": {"default": "9093"},
        },
        "security": [
            {"$ref": "#/components/securitySchemes/saslScram"},
            {"$ref": "#/components/securitySchemes/clientCertificate"},
        ],
    },
    "development": {
        "host": "localhost:{port}",
        "protocol": "kafka",
        "description": "SASL_PLAINTEXT on loopback. The last lines of `make run` name the port.",
        "variables": {"port": {"default": "9092"}},
        "security": [{"$ref": "#/components/securitySchemes/saslScram"}],
    },
}


def event_channel(event: topics.EventName, messages: Sequence[str], localities: Sequence[str]) -> Any:
    """The topic of one event in each locality."""
    return {
        "address": topics.topic("{locality}", event),
        "title": camel(event),
        "description": (
            f"{_SAYS[event]} The three topics of a locality have equally many partitions. "
            "The key is the referral, so that all of a referral lies in one partition of each. "
            f"Kept for ever, but for {topics.SANDBOX_DAYS} days in a sandbox."
        ),
        "parameters": {"locality": _locality(localities)},
        "messages": _messages(messages),
        "bindings": _topic(PARTITIONS, topics.retention_ms(sandbox=False)),
    }


def inbox_channel(messages: Sequence[str], localities: Sequence[str]) -> Any:
    """The topic that a partner's source writes."""
    return {
        "address": f"{topics.INBOX}.{{locality}}.{{partner}}",
        "title": "Inbox",
        "description": (
            "A partner's source puts all its events here. Admission judges each record once, and copies it "
            "to the locality's topic. Nobody else reads it."
        ),
        "parameters": _of_partner(localities),
        "messages": _messages(messages),
        "bindings": _topic(PARTNER_PARTITIONS, topics.partner_retention_ms(sandbox=False)),
    }


def refusals_channel(messages: Sequence[str], localities: Sequence[str]) -> Any:
    """The topic on which a partner's source learns what was refused."""
    return {
        "address": f"{topics.REFUSALS}.{{locality}}.{{partner}}",
        "title": "Refusals",
        "description": "What was refused of a partner's inbox or does not count, for this partner alone.",
        "parameters": _of_partner(localities),
        "messages": _messages(messages),
        "bindings": _topic(PARTNER_PARTITIONS, topics.partner_retention_ms(sandbox=False)),
    }


def _messages(names: Sequence[str]) -> Any:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _topic(partitions: int, retention_ms: int) -> Any:
    return {
        "kafka": {
            "partitions": partitions,
            "topicConfiguration": {
                "cleanup.policy": ["delete"],
                "retention.ms": retention_ms,
                "max.message.bytes": _RECORD_BYTES,
            },
            "bindingVersion": BINDING,
        }
    }


def _locality(localities: Sequence[str]) -> Any:
    parameter: dict[str, Any] = {"description": "The slug of the locality that the referral belongs to."}
    return parameter | ({"enum": list(localities)} if localities else {"examples": ["meir"]})


def _of_partner(localities: Sequence[str]) -> Any:
    named = {
        "description": "The last word of the partner's source, `/<locality>/<partner>`.",
        "examples": ["vast-hub"],
    }
    return {"locality": _locality(localities), "partner": named}


def camel(name: str) -> str:
    """`referral-created` or `referral_created` as `ReferralCreated`."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))
