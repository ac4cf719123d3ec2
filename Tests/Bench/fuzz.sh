#!/usr/bin/env bash
# Fuzzes the readers of strangers' bytes for TIME seconds with libFuzzer: built with the compiler's coverage
# instrumentation into a folder of its own. Seeds are the repository's own files and the crashes of before. A crash is
# written to Tests/Fuzz/crashes, where it stays as a fixture that every later run, and `FuzzFixtureTests`, begins with.
set -euo pipefail
cd "$(dirname "$0")/../.."
time=${1:-60}
mkdir -p out/corpus Tests/Fuzz/crashes
VEROFORGE_FUZZ=$(find "$(dirname "$(readlink -f "$(command -v swiftc)")")/../lib/clang" \
    -name "libclang_rt.fuzzer_no_main-$(uname -m).a" | head -n 1)
[ -n "$VEROFORGE_FUZZ" ] || { echo "fuzz: this Swift comes without libFuzzer" >&2; exit 2; }
export VEROFORGE_FUZZ
swift build --scratch-path .build/fuzz --product veroforge-fuzz -c release -Xswiftc -enable-testing \
    > out/fuzz-build.log 2>&1 || { tail -40 out/fuzz-build.log; exit 1; }
# One seed a reader: its number, then a file that it reads.
seed() { # number file
    { printf "\\$(printf '%03o' "$1")"; head -c 65536 "$2"; } > "out/corpus/seed-$1-$(basename "$2")"
}
(cd plugins/slack && zip -q -r "$OLDPWD/out/corpus.zip" . -x 'node_modules/*') && seed 0 out/corpus.zip && seed 12 out/corpus.zip
for file in plugins/hostile/dist/*.js plugins/*/src/*.ts; do
    [ -e "$file" ] && for reader in 1 2 3 13; do seed "$reader" "$file"; done
done
seed 4 plugins/slack/plugin.json
seed 9 plugins/slack/plugin.json
for reader in 5 6 7 8 10 11 14; do seed "$reader" README.md; done
.build/fuzz/release/veroforge-fuzz -max_total_time="$time" -timeout=10 -rss_limit_mb=1500 -max_len=65536 \
    -artifact_prefix=Tests/Fuzz/crashes/ -print_final_stats=1 -verbosity=1 out/corpus Tests/Fuzz/crashes \
    > out/fuzz.log 2>&1 && status=0 || status=$?
grep -E '^stat::|ERROR|Test unit written' out/fuzz.log || tail -20 out/fuzz.log
exit $status
