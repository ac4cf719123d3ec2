#!/usr/bin/env bash
# The roll-up as SQL on two ClickHouse shards on loopback: run.sh OUTPUT SEGMENT…  writes the same CSV as
# `veroforge usage roll-up SEGMENT…`. Needs Debian's clickhouse-server and clickhouse-client. The servers live in a
# scratch folder and end with the script.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$1
shift
scratch=$(mktemp -d)
first=${CLICKHOUSE_PORT:-19410}
ports=("$first" "$((first + 1))")
pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap end EXIT

for shard in 0 1; do
    folder=$scratch/shard$shard
    mkdir -p "$folder/data" "$folder/tmp"
    sed -e "s#@FOLDER@#$folder#g" -e "s#@TCP@#${ports[$shard]}#g" -e "s#@TCP1@#${ports[0]}#g" \
        -e "s#@TCP2@#${ports[1]}#g" "$here/config.xml" > "$folder/config.xml"
    cp "$here/users.xml" "$folder/users.xml"
    clickhouse-server --config-file="$folder/config.xml" > "$folder/out.log" 2>&1 &
    pids+=($!)
done
client() { clickhouse-client --host 127.0.0.1 --port "$1" "${@:2}"; }
for port in "${ports[@]}"; do
    for _ in $(seq 100); do client "$port" --query 'SELECT 1' > /dev/null 2>&1 && break; sleep 0.2; done
    client "$port" --multiquery < "$here/tables.sql"
done
for segment in "$@"; do
    # Headers and seals are no events.
    { case $segment in *.zst) zstd -dc "$segment" ;; *) cat "$segment" ;; esac; } \
        | grep -vE '^\{"(segment|seal)":' \
        | client "${ports[0]}" --input_format_skip_unknown_fields=1 --query 'INSERT INTO metering.event FORMAT JSONEachRow'
done
{
    echo 'day,tenant,plugin,metric,quantity'
    # Names have no character that CSV would quote; ClickHouse quotes every text.
    client "${ports[0]}" --query "$(cat "$here/roll-up.sql")" | tr -d '"'
} > "$output"
for shard in 1 2; do
    echo "shard $shard: $(client "${ports[$((shard - 1))]}" --query 'SELECT count() FROM metering.event_local') events"
done
