#!/usr/bin/env bash
# Debian's node-* libraries inside a plugin, in the real sandbox: each is bundled by esbuild, loaded, asked, and must
# answer rightly. Prints the list, with why for what does not work.
set -uo pipefail
cd "$(dirname "$0")/../.."
programs=${VEROFORGE_PROGRAMS:-$PWD/.build/release}
export PATH="$programs:$PATH" VEROFORGE_HOME="$PWD"
Tests/Plugins/libraries/prepare >/dev/null 2>&1 || { echo "libraries: Debian's packages could not be fetched"; exit 1; }
works=0
failed=0
for source in Tests/Plugins/libraries/cases/*.js; do
    name=$(basename "$source" .js)
    status=$(cat "out/libraries/$name/status")
    if [ "$status" = works ] && ! veroforge plugin test "out/libraries/$name" >"out/libraries/$name/test.log" 2>&1; then
        status="does not hold: $(sed -n '2,4p' "out/libraries/$name/test.log" | tr '\n' ' ')"
    fi
    if [ "$status" = works ]; then works=$((works + 1)); else failed=$((failed + 1)); fi
    echo "libraries: $name: $status"
done
echo "libraries: $works work, $failed do not"
[ "$works" -ge 10 ] && [ "$failed" = 0 ]
