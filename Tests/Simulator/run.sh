#!/usr/bin/env bash
# `plugin dev` on a new plugin: its page and what the page asks for; and the simulated application behind it as a
# loopback server, held by schemathesis to plugins/sdk/application.openapi.json, the contract of a real application.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
programs=${VEROFORGE_PROGRAMS:-$root/.build/release}
venv=${VENV:-$root/.venv}
export PATH="$programs:$PATH" VEROFORGE_HOME="$root"
folder=$(mktemp -d)
dev=
cleanup() { [ -n "$dev" ] && kill -TERM "$dev" 2>/dev/null && wait "$dev" 2>/dev/null; rm -rf "$folder"; }
trap cleanup EXIT
cd "$folder" || exit 1

veroforge plugin new hello-samples.greeter >/dev/null || exit 1
veroforge plugin dev greeter --fault "500=readData customers" >dev.log 2>&1 &
dev=$!
for _ in $(seq 200); do grep -q '^Interrupt' dev.log && break; sleep 0.05; done
page=$(sed -nE 's/^(http[^ ]+)  the page.*/\1/p' dev.log)
application=$(sed -nE 's/^(http[^ ]+)  the application.*/\1/p' dev.log)
[ -n "$page" ] && [ -n "$application" ] || { cat dev.log; exit 1; }

python3 "$root/Tests/Simulator/page.py" "$page" greeter || { cat dev.log; exit 1; }

check() { # config arguments…
    local config=$1
    shift
    "$venv/bin/schemathesis" --config-file "$config" run "$root/plugins/sdk/application.openapi.json" \
        --url "$application" -H 'Authorization: Bearer sample-credential' --seed 1 --no-color \
        --suppress-health-check all "$@" >schemathesis.log 2>&1
    local status=$?
    [ "$status" = 0 ] || { cat schemathesis.log; exit 1; }
    grep -E 'generated' schemathesis.log | sed 's/^ */simulator: schemathesis: /'
}
# Whatever name is asked for; then the entities and workflows that are there. What a body of the sample business must
# be, the contract leaves to the application: there a 422 is a right answer to an object.
: >any.toml
printf '[parameters]\n"path.entity" = "customers"\n"path.workflow" = "send-email"\n' >there.toml
check any.toml --max-examples 60
check there.toml --max-examples 60 --exclude-checks positive_data_acceptance

kill -INT "$dev"
wait "$dev"
status=$?
dev=
[ "$status" = 0 ] || { echo "simulator: plugin dev ended with $status"; exit 1; }
echo "simulator: the page and the contract hold"
