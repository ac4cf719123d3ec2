#!/usr/bin/env bash
# The roll-up as Slurm jobs: an array by hash of tenant, then a merge that waits for all of it.
#   submit.sh OUTPUT SEGMENT…      VEROFORGE names the program, SHARDS the number of tasks, WORK a shared folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$(realpath -m "$1")
shift
export SHARDS=${SHARDS:-4} VEROFORGE=${VEROFORGE:-veroforge}
work=${WORK:-$(dirname "$output")}
files=()
for segment in "$@"; do files+=("$(realpath "$segment")"); done
array=$(sbatch --parsable --array="0-$((SHARDS - 1))" --export=ALL --output="$work/map-%a.log" \
    "$here/map.sh" "$work" "${files[@]}")
merge=$(sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes --export=ALL \
    --output="$work/merge.log" "$here/merge.sh" "$work" "$output")
echo "$array $merge"
