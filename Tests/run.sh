#!/usr/bin/env bash
# Builds and runs every test once and closes with one line that counts them: `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p out
flags=("$@")
passed=0
failed=0

note() { printf '\n== %s\n' "$1"; }

note "build"
swift build --build-tests "$@" > out/build.log 2>&1 || { tail -60 out/build.log; printf '0 passed, 1 failed\n'; exit 1; }

# Scenarios and submissions need the plugins' dist/.
note "plugins"
VEROFORGE_SHARED="${VEROFORGE_SHARED:-../shared}" Tests/Plugins/run > out/plugins.log 2>&1 || true
line=$(grep -E '^plugins: [0-9]+ passed, [0-9]+ failed' out/plugins.log | tail -1)
if [ -z "$line" ]; then
    tail -40 out/plugins.log
    failed=$((failed + 1))
else
    good=$(sed -E 's/^plugins: ([0-9]+) passed.*/\1/' <<<"$line")
    bad=$(sed -E 's/.* ([0-9]+) failed$/\1/' <<<"$line")
    [ "$bad" -gt 0 ] && tail -40 out/plugins.log
    grep '^skipped' out/plugins.log
    passed=$((passed + good))
    failed=$((failed + bad))
    echo "$good of $((good + bad))"
fi

# One target at a time: tests of deadlines and limits are not to compete with the rest for two cores.
swift_tests() { # target options…
    local target=$1
    shift
    note "$target"
    swift test --skip-build --filter "^$target\\." "$@" "${flags[@]}" > "out/$target.log" 2>&1
    local status=$?
    local total broken
    total=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' "out/$target.log" | tail -1)
    broken=$(grep -E '^✘ Test .* failed after' "out/$target.log" | grep -vcE '^✘ Test (run|case)')
    if [ -z "$total" ] || [ "$total" = 0 ]; then
        tail -40 "out/$target.log"
        failed=$((failed + 1))
        return
    fi
    [ "$status" -ne 0 ] && [ "$broken" -eq 0 ] && broken=1
    [ "$broken" -gt 0 ] && grep -E '^✘|error:' "out/$target.log" | cut -c1-600 | head -40
    passed=$((passed + total - broken))
    failed=$((failed + broken))
    echo "$((total - broken)) of $total"
}
for target in House Marketplace Provenance Bundles Scanning Advisories Frames SimulatedApp Registry Metering Billing \
    Publishing Accounts SimulatedServers; do
    swift_tests "${target}Tests"
done
for target in Sandbox Security Pipeline PluginRuntime CommandLine; do swift_tests "${target}Tests" --no-parallel; done

note "getting started"
if Tests/Plugins/getting-started > out/getting-started.log 2>&1; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi
tail -20 out/getting-started.log

# Every other program of the tests says what it did and ends with 0 if it holds.
for script in Tests/*/run.sh; do
    [ -e "$script" ] || continue
    note "$script"
    if VENV="$PWD/.venv" bash "$script" > "out/$(basename "$(dirname "$script")").log" 2>&1; then
        passed=$((passed + 1))
        tail -3 "out/$(basename "$(dirname "$script")").log"
    else
        status=$?
        failed=$((failed + 1))
        tail -40 "out/$(basename "$(dirname "$script")").log"
        echo "✘ $script ended with $status"
    fi
done

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
