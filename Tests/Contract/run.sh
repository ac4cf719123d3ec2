#!/usr/bin/env bash
# schemathesis reads the served contract and sends what it allows and what it forbids to a live runtime: every check, without
# an exemption, and no failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin="${BIN:-}"
if [ -z "$bin" ]; then bin=.build/release; [ -x "$bin/veroforge-runtime" ] || bin=.build/debug; fi
tool="${VENV:-.venv}/bin/schemathesis"
examples="${EXAMPLES:-${VEROFORGE_TEST_FULL:+200}}"
work=$(mktemp -d)
runtime=
finish() {
    [ -z "$runtime" ] || kill "$runtime" 2>/dev/null || true
    [ -z "$runtime" ] || wait "$runtime" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

"$bin/veroforge" init --demo --data "$work/data" > "$work/init"
# A catalogue that is signed, if empty: without one the runtime is not ready.
"$bin/veroforge" run submission --stage publish --data "$work/data" > "$work/publish" 2>&1 || { cat "$work/publish" >&2; exit 1; }
printf 'credential-of-acme' > "$work/credential"
"$bin/veroforge" tenant create acme --app http://127.0.0.1:9 --credential-file "$work/credential" --country DE --currency EUR \
    --data "$work/data" > /dev/null
token=$("$bin/veroforge" token issue --tenant acme --data "$work/data" | grep -oE '[A-Za-z0-9_-]{20,}' | head -1)
VEROFORGE_HOME="$PWD" "$bin/veroforge-runtime" serve --data "$work/data" --port 0 > "$work/out" 2> "$work/log" &
runtime=$!
for _ in $(seq 100); do grep -q 'listens on' "$work/out" && break; sleep 0.1; done
url=$(sed -n 's/.*listens on //p' "$work/out")

SCHEMATHESIS_HOOKS=hooks PYTHONPATH=Tests/Contract \
    "$tool" --config-file Tests/Contract/schemathesis.toml run "$url/openapi.json" --url "$url" --header "Authorization: Bearer $token" \
    --max-examples "${examples:-15}" --seed 4 --workers 1 --no-color --continue-on-failure
kill -0 "$runtime"
if grep -E '"level":"critical"' "$work/log"; then exit 1; fi
