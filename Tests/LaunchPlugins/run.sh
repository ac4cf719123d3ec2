#!/usr/bin/env bash
# Each launch plugin, by the built programs: `plugin check` is clean, `plugin test` holds in the native sandbox and
# under gVisor, and what its scenarios said to the stateful stand-ins fits the vendors' own published descriptions.
set -uo pipefail
cd "$(dirname "$0")/../.."
programs=${VEROFORGE_PROGRAMS:-$PWD/.build/release}
export PATH="$programs:$PATH" VEROFORGE_HOME="$PWD"
out=out/launch-plugins
mkdir -p "$out"
failed=0
say() { echo "launch-plugins: $1"; }
for plugin in slack stripe-billing quickbooks-sync twilio docusign; do
    veroforge plugin check "plugins/$plugin" --fail-on medium >"$out/$plugin.check" 2>&1 ||
        { say "$plugin is not clean"; cat "$out/$plugin.check"; failed=1; }
    for isolation in native gvisor; do
        veroforge plugin test "plugins/$plugin" --isolation "$isolation" --exchanges "$out/$plugin.json" \
            >"$out/$plugin.$isolation" 2>&1 ||
            { say "$plugin does not hold in $isolation"; cat "$out/$plugin.$isolation"; failed=1; }
        grep -q "sandbox $isolation" "$out/$plugin.$isolation" || { say "$plugin did not run in $isolation"; failed=1; }
        say "$plugin, $isolation: $(tail -1 "$out/$plugin.$isolation")"
    done
done
node Tests/LaunchPlugins/exchanges.mjs "$out" || failed=1
exit "$failed"
