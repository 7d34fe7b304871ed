#!/bin/bash
# Runs a command with its secrets in the environment: these programs know no password files.
set -euo pipefail
ELASTICSEARCH_PASSWORD="$(cat /secrets/kibana-password)"
XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY="$(cat /secrets/kibana-key)"
LOGSTASH_PASSWORD="$(cat /secrets/logstash-password)"
APM_PASSWORD="$(cat /secrets/apm-password)"
export ELASTICSEARCH_PASSWORD XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY LOGSTASH_PASSWORD APM_PASSWORD
exec "$@"
