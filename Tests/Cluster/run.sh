#!/usr/bin/env bash
# The roll-up on more than one machine gives the bytes of the one on one machine: as SQL on two ClickHouse shards, as
# an array of Slurm jobs, and (always) as the same array's tasks run one after another. The first two start servers
# and are part of `make test-full` (VEROFORGE_TEST_FULL=1); elsewhere it is said that they did not run.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
bin=${VEROFORGE:-$root/.build/release/veroforge}
[ -x "$bin" ] || { echo "cluster: $bin is not there; \`make build\` makes it" >&2; exit 1; }
export VEROFORGE=$bin
scratch=$(mktemp -d /tmp/veroforge-cluster-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
events=${EVENTS:-20000}
[ -n "${VEROFORGE_TEST_FULL:-}" ] && events=${EVENTS:-1000000}
# Two overlapping files, so that lines are repeated across files too, and one that is compressed.
"$bin" usage generate --events "$events" --output "$scratch/all.jsonl"
head -n $((events * 6 / 10)) "$scratch/all.jsonl" > "$scratch/a.jsonl"
tail -n $((events * 6 / 10)) "$scratch/all.jsonl" > "$scratch/b.jsonl"
rm "$scratch/all.jsonl"
"$bin" usage roll-up "$scratch/a.jsonl" "$scratch/b.jsonl" > "$scratch/ours.csv"
compare() { cmp "$scratch/ours.csv" "$2" && echo "$1: $(wc -l < "$2") lines, $(sha256sum < "$2" | cut -c1-16), the same bytes"; }

export SHARDS=4
mkdir "$scratch/tasks"
for task in 0 1 2 3; do
    SLURM_ARRAY_TASK_ID=$task pipelines/cluster/slurm/map.sh "$scratch/tasks" "$scratch/a.jsonl" "$scratch/b.jsonl"
done
pipelines/cluster/slurm/merge.sh "$scratch/tasks" "$scratch/tasks.csv"
compare "four tasks and a merge" "$scratch/tasks.csv"

if [ -z "${VEROFORGE_TEST_FULL:-}" ]; then
    echo "ClickHouse and Slurm: part of make test-full"
    exit 0
fi
time pipelines/cluster/clickhouse/run.sh "$scratch/clickhouse.csv" "$scratch/a.jsonl" "$scratch/b.jsonl"
compare "ClickHouse, two shards" "$scratch/clickhouse.csv"

mkdir "$scratch/slurm"
cat > "$scratch/job.sh" <<JOB
set -euo pipefail
cd "$root"
read -r array merge < <(WORK="$scratch/slurm" pipelines/cluster/slurm/submit.sh "$scratch/slurm.csv" \
    "$scratch/a.jsonl" "$scratch/b.jsonl")
for _ in \$(seq 600); do [ -s "$scratch/slurm.csv" ] && break; sleep 0.5; done
squeue
JOB
time pipelines/cluster/slurm/loopback.sh bash "$scratch/job.sh"
compare "Slurm, four tasks and a merge" "$scratch/slurm.csv"
