#!/usr/bin/env bash
# Writes clicks of users 1 to 100 to a topic until it is stopped: produce BROKERS TOPIC [CLICKS_PER_SECOND]
set -euo pipefail
brokers=${1:?usage: produce BROKERS TOPIC [CLICKS_PER_SECOND]}
topic=${2:?usage: produce BROKERS TOPIC [CLICKS_PER_SECOND]}
pause=$(awk -v rate="${3:-10}" 'BEGIN { print 1 / rate }')

clicks() {
  while true; do
    local user=$((RANDOM % 100 + 1)) kind=view amount=0
    if ((RANDOM % 5 == 0)); then kind=purchase amount=$((RANDOM % 90 + 10)); fi
    printf '{"user_id": %d, "item_id": "item-%d", "kind": "%s", "amount": %d.5, "event_time": %d}\n' \
      "$user" $((RANDOM % 1000)) "$kind" "$amount" "$(date +%s%3N)"
    sleep "$pause"
  done
}

trap 'exit 0' TERM INT
clicks | kcat -P -b "$brokers" -t "$topic" -X linger.ms=5 &
wait $!
