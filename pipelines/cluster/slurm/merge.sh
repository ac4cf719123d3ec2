#!/usr/bin/env bash
# After all tasks: a tenant is in one part only, so the parts are sorted into one file.  merge.sh FOLDER OUTPUT
set -euo pipefail
folder=$1
output=$2
for shard in $(seq 0 $((${SHARDS:-4} - 1))); do test -s "$folder/part-$shard.csv"; done
{
    head -n 1 "$folder/part-0.csv"
    for shard in $(seq 0 $((${SHARDS:-4} - 1))); do tail -n +2 "$folder/part-$shard.csv"; done \
        | LC_ALL=C sort -t, -k1,1 -k2,2 -k3,3 -k4,4
} > "$output.partial"
mv "$output.partial" "$output"
