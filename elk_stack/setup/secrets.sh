#!/bin/bash
# Makes each secret once. Elasticsearch refuses a password file that others may read; the containers run as user 1000.
set -euo pipefail
umask 077
for name in elastic-password kibana-password logstash-password apm-password kibana-key; do
  file="/secrets/$name"
  if [ ! -s "$file" ]; then
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$file.draft"
    mv "$file.draft" "$file"
  fi
  chmod 400 "$file"
  chown 1000:0 "$file"
done
chmod 700 /secrets
chown 1000:0 /secrets
