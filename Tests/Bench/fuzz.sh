#!/usr/bin/env bash
# Runs the seeded fuzz loops of every reader of strangers' bytes, round after round, until TIME seconds are over.
set -uo pipefail
cd "$(dirname "$0")/../.."
time=$1
shift
export VEROFORGE_TEST_FULL=1 VEROFORGE_FULL=1
end=$(($(date +%s) + time))
rounds=0
while [ "$(date +%s)" -lt "$end" ]; do
    swift test --skip-build "$@" \
        --filter 'FrameFuzz|seededNoiseIsAlwaysSafe|refusesEveryTruncation|hostileRepetitionEndsInTime|theResultIsTheReference' \
        > out/fuzz.log 2>&1 || { grep -E '^✘|error:' out/fuzz.log | head -20; echo "a round failed: out/fuzz.log"; exit 1; }
    rounds=$((rounds + 1))
done
echo "$rounds rounds without a failure"
