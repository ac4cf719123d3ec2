#!/usr/bin/env bash
# Runs the commands of docs/publishing.md, as they stand there, in an empty folder, and looks at what they leave.
# Needs the built programs (VEROFORGE_PROGRAMS, or .build/release).
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=${VEROFORGE_PROGRAMS:-$root/.build/release}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$root/docs/publishing.md" > "$folder/commands"

(
    cd "$folder" || exit 1
    export PATH="$programs:$PATH" VEROFORGE_HOME="$root" VEROFORGE_PROGRAMS="$programs"
    set -e
    # shellcheck disable=SC1091
    source ./commands
) > "$folder/output" 2>&1
status=$?

problems=0
expect() { # what, file, pattern
    grep -qE "$3" "$2" || { echo "walk-through: $1 is missing"; problems=1; }
}
if [ "$status" = 0 ]; then
    expect "the verified domain" "$folder/output" 'harbour-samples owns harbour.example and is verified'
    expect "the held version" "$folder/output" 'greeter@1.1.0 is held'
    expect "the finding's remedy" "$folder/output" 'remedy: '
    expect "the version that nobody had to look at" "$folder/output" 'greeter@1.2.0 is listed'
    expect "the appeal" "$folder/output" 'greeter@1.3.0 is held'
    expect "the revoked build key" "$folder/output" 'greeter@1.4.0 is rejected|signature does not hold'
    expect "the sound catalogue" "$folder/output" 'The catalogue holds'
    expect "the revocation" "$folder/market/site/public/revocations.json" '"stage":"suspended"'
    for kind in listed yanked restored revoked keyRevoked; do
        expect "$kind in the log" "$folder/market/site/public/log/entries.jsonl" "\"kind\":\"$kind\""
    done
fi
if [ "$status" != 0 ] || [ "$problems" != 0 ]; then
    tail -60 "$folder/output"
    echo "walk-through: 0 passed, 1 failed"
    exit 1
fi
echo "walk-through: 1 passed, 0 failed"
