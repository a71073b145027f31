"""The guard of a broker of ours: every client and the controller's port ask for a user and a password.

Clients and brokers use SCRAM-SHA-512. The controller's port knows one user, from the file of settings: the
controllers of a cluster must agree before they have stored any user, and a folder that was made without users
starts all the same.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import for_code

from shared.platform.access.users import users_request
from shared.platform.kafka_connection import SCRAM

# The brokers' own user. It has every right, and no service uses it.
BROKER: Final = "broker"
CLIENTS: Final = "CLIENTS"
CONTROLLER: Final = "CONTROLLER"
GUARD: Final[Mapping[str, str]] = {
    "controller.listener.names": CONTROLLER,
    "inter.broker.listener.name": CLIENTS,
    "listener.security.protocol.map": f"{CONTROLLER}:SASL_PLAINTEXT,{CLIENTS}:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": SCRAM,
    "sasl.mechanism.inter.broker.protocol": SCRAM,
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"User:{BROKER}",
    # A member of the newer protocol would break the co-partitioning of a group, without an error.
    "group.consumer.assignors": "range",
    "group.consumer.migration.policy": "disabled",
    # A partner's open transaction holds up every reader for no longer.
    "transaction.max.timeout.ms": "60000",
}
_LOGIN: Final = "org.apache.kafka.common.security"


def logins(listeners: Iterable[str], password: str) -> dict[str, str]:
    """The settings of the brokers' own user for listeners of these names."""
    user = f'username="{BROKER}" password="{password}"'
    plain = f'{_LOGIN}.plain.PlainLoginModule required {user} user_{BROKER}="{password}";'
    scram = f"{_LOGIN}.scram.ScramLoginModule required {user};"
    names = [name.lower() for name in listeners if name != CONTROLLER]
    return {
        f"listener.name.{CONTROLLER.lower()}.plain.sasl.jaas.config": plain,
        **{f"listener.name.{name}.{SCRAM.lower()}.sasl.jaas.config": scram for name in names},
    }


async def store_broker_user(host: str, controller_port: int, password: str) -> None:
    """Stores the brokers' own user through the controller's port.

    Raises:
        KafkaError, OSError: the controller does not answer, or is not the leader.
    """
    connection = await create_conn(
        host,
        controller_port,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=BROKER,
        sasl_plain_password=password,
        request_timeout_ms=5_000,
    )
    try:
        answer = await connection.send(users_request({BROKER: password}))
        for result in answer.results:
            if result[1]:
                raise for_code(result[1])()
    finally:
        connection.close()
        await asyncio.sleep(0)
