#!/usr/bin/env bash
# One task of the array: rolls up the tenants whose hash falls to it.  map.sh FOLDER SEGMENT…
set -euo pipefail
folder=$1
shift
"${VEROFORGE:-veroforge}" usage roll-up --shard "${SLURM_ARRAY_TASK_ID:-0}/${SHARDS:-4}" "$@" \
    > "$folder/part-${SLURM_ARRAY_TASK_ID:-0}.csv.partial"
mv "$folder/part-${SLURM_ARRAY_TASK_ID:-0}.csv.partial" "$folder/part-${SLURM_ARRAY_TASK_ID:-0}.csv"
