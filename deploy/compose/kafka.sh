#!/bin/bash
# Gives the broker its own user, whose password is in a file, and starts the program that the arguments name.
# A hyphen in a setting is three underscores in the image's variables.
set -euo pipefail
password=$(<"$BROKER_PASSWORD_FILE")
user="username=\"broker\" password=\"$password\""
login=org.apache.kafka.common.security
export KAFKA_LISTENER_NAME_CONTROLLER_PLAIN_SASL_JAAS_CONFIG="$login.plain.PlainLoginModule required $user user_broker=\"$password\";"
export KAFKA_LISTENER_NAME_CLIENTS_SCRAM___SHA___512_SASL_JAAS_CONFIG="$login.scram.ScramLoginModule required $user;"
exec "$@"
