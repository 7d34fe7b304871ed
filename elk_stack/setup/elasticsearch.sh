#!/bin/bash
# Users with no more rights than their work needs, the lifecycle policy and the index template. Running it again changes nothing.
set -euo pipefail
send() {
  curl -sS --fail-with-body -u "elastic:$(cat /secrets/elastic-password)" -H 'Content-Type: application/json' \
    -X "$1" "http://elasticsearch:9200/$2" --data-binary "$3" > /dev/null
}
send POST _security/user/kibana_system/_password "{\"password\":\"$(cat /secrets/kibana-password)\"}"
send PUT _security/role/parley_logs_writer '{"cluster":["monitor"],"indices":[{"names":["logs-chat-*"],"privileges":["auto_configure","create_doc"]}]}'
send PUT _security/user/parley_logstash "{\"password\":\"$(cat /secrets/logstash-password)\",\"roles\":[\"parley_logs_writer\"]}"
send PUT _security/role/parley_apm_writer '{"cluster":["monitor"],"indices":[{"names":["traces-apm*","logs-apm*","metrics-apm*"],"privileges":["auto_configure","create_doc","view_index_metadata"]}]}'
send PUT _security/user/parley_apm "{\"password\":\"$(cat /secrets/apm-password)\",\"roles\":[\"parley_apm_writer\"]}"
send PUT _ilm/policy/parley-logs @/setup/lifecycle-policy.json
send PUT _index_template/parley-logs @/setup/index-template.json
