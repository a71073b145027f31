"""Requests of Kafka's protocol that aiokafka's admin client does not send: users, rights and quotas.

aiokafka has the structures of rights. Those of users and quotas are here, as the protocol's guide has them.
"""

from typing import Any, Final, NamedTuple

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Float64,
    Int8,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

SCRAM_SHA_512: Final = 2
_TEXT: Final = String("utf-8")
_COMPACT: Final = CompactString("utf-8")
_TAGS: Final = ("tags", TaggedFields)


class Prepared(NamedTuple):
    """A request in the one version that is used here; the client asks it for that of the broker."""

    struct: Any

    def prepare(self, _: Any) -> Any:
        """The structure to send, whatever versions the broker knows."""
        return self.struct


class AlterUsersResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(("user", _COMPACT), ("error_code", Int16), ("error_message", _COMPACT), _TAGS),
        ),
        _TAGS,
    )


class AlterUsersRequest(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    """AlterUserScramCredentials."""

    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = AlterUsersResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", _COMPACT), ("mechanism", Int8), _TAGS)),
        (
            "upsertions",
            CompactArray(
                ("name", _COMPACT),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class DescribeUsersResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _COMPACT),
        (
            "results",
            CompactArray(
                ("user", _COMPACT),
                ("error_code", Int16),
                ("error_message", _COMPACT),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), _TAGS)),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class DescribeUsersRequest(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    """DescribeUserScramCredentials; without names, of every user."""

    API_KEY = 50
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = DescribeUsersResponse
    SCHEMA = Schema(("users", CompactArray(("name", _COMPACT), _TAGS)), _TAGS)


_ENTITY: Final = ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT)))


class DescribeQuotasResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 48
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        ("entries", Array(_ENTITY, ("values", Array(("key", _TEXT), ("value", Float64))))),
    )


class DescribeQuotasRequest(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    """DescribeClientQuotas."""

    API_KEY = 48
    API_VERSION = 0
    RESPONSE_TYPE = DescribeQuotasResponse
    SCHEMA = Schema(
        ("components", Array(("entity_type", _TEXT), ("match_type", Int8), ("match", _TEXT))),
        ("strict", Boolean),
    )


class AlterQuotasResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", _TEXT), _ENTITY)),
    )


class AlterQuotasRequest(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    """AlterClientQuotas."""

    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = AlterQuotasResponse
    SCHEMA = Schema(
        ("entries", Array(_ENTITY, ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean))))),
        ("validate_only", Boolean),
    )


__all__ = [
    "SCRAM_SHA_512",
    "AlterQuotasRequest",
    "AlterUsersRequest",
    "CreateAclsRequest_v1",
    "DeleteAclsRequest_v1",
    "DescribeAclsRequest_v1",
    "DescribeQuotasRequest",
    "DescribeUsersRequest",
    "Prepared",
]
