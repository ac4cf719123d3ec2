#!/usr/bin/env bash
# False alarms of the scanner: Debian's node-* packages, downloaded into a cache outside the tree, unpacked, scanned.
# Prints the verdicts; fails where a package is rejected or a scan did not complete.
set -uo pipefail
cd "$(dirname "$0")/../.."
count=${COUNT:-300}
cache=${VEROFORGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/veroforge/debian-node}
mkdir -p "$cache/deb" "$cache/files"

mapfile -t names < <(apt-cache pkgnames node- | grep -vE -- '-dev$|^node-typescript' | LC_ALL=C sort | head -n "$count")
[ "${#names[@]}" -gt 0 ] || { echo "apt knows no node-* packages; run apt-get update" >&2; exit 75; }

declare -A verdicts=()
files=0
began=$(date +%s)
for name in "${names[@]}"; do
    if [ ! -d "$cache/files/$name" ]; then
        (cd "$cache/deb" && apt-get download -qq "$name" > /dev/null 2>&1) || { echo "$name: not downloaded"; continue; }
        mkdir -p "$cache/files/$name.new" && dpkg-deb -x "$cache/deb/${name}_"*.deb "$cache/files/$name.new" &&
            mv "$cache/files/$name.new" "$cache/files/$name"
    fi
    source=$cache/files/$name/usr/share/nodejs
    [ -d "$source" ] || source=$cache/files/$name/usr/lib
    [ -d "$source" ] || continue
    report=$(.build/release/veroforge scan "$source" --format json 2>/dev/null)
    verdict=$(sed -nE 's/^  "verdict" : "([a-z]+)".*/\1/p' <<<"$report")
    verdict=${verdict:-incomplete}
    verdicts[$verdict]=$((${verdicts[$verdict]:-0} + 1))
    files=$((files + $(grep -c '"status" : ' <<<"$report")))
    [ "$verdict" = clean ] || echo "$name: $verdict: $(grep -oE '"rule" : "[^"]+"' <<<"$report" | sort | uniq -c | sort -rn | head -3 | tr -s ' \n' ' ')"
done
for verdict in clean review reject incomplete; do echo "$verdict: ${verdicts[$verdict]:-0}"; done
echo "$files files in $(($(date +%s) - began)) s, downloads included"
[ "${verdicts[reject]:-0}" = 0 ] && [ "${verdicts[incomplete]:-0}" = 0 ]
