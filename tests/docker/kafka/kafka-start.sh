#!/usr/bin/env bash
# KAFKA_SOME_NAME=value becomes some.name=value; then the storage is formatted and the broker runs.
set -euo pipefail
properties=/var/lib/kafka/server.properties
env | sed -n 's/^KAFKA_\([A-Z_]*\)=\(.*\)$/\1 \2/p' | while read -r name value; do
  printf '%s=%s\n' "$(tr 'A-Z_' 'a-z.' <<<"$name")" "$value"
done >"$properties"
printf 'log.dirs=/var/lib/kafka/data\n' >>"$properties"
java -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --ignore-formatted -t freshet-test-cluster-00 -c "$properties"
exec java -Xmx384m -cp '/opt/kafka/libs/*' kafka.Kafka "$properties"
