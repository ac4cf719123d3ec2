#!/usr/bin/env bash
# False alarms of the scanner: Debian's node-* packages, downloaded into a cache outside the tree, unpacked, scanned; then
# the same minified with esbuild. Prints the verdicts; fails where a package is rejected, a scan did not complete, more
# than 2 in 300 ask for a review, or minifying adds one. At last every row of rules/libraries.tsv is held against the
# package that it was measured in.
set -uo pipefail
cd "$(dirname "$0")/../.."
count=${COUNT:-330}
cache=${VEROFORGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/veroforge/debian-node}
mkdir -p "$cache/deb" "$cache/files"

mapfile -t names < <(apt-cache pkgnames node- | grep -vE -- '-dev$|^node-typescript' | LC_ALL=C sort | head -n "$count")
[ "${#names[@]}" -gt 0 ] || { echo "apt knows no node-* packages; run apt-get update" >&2; exit 75; }

missing=()
for name in "${names[@]}"; do [ -d "$cache/files/$name" ] || missing+=("$name"); done
[ ${#missing[@]} -eq 0 ] || printf '%s\n' "${missing[@]}" | (cd "$cache/deb" && xargs -n 40 apt-get download -qq > /dev/null 2>&1)
for name in "${missing[@]}"; do
    for package in "$cache/deb/${name}_"*.deb; do
        [ -e "$package" ] || { echo "$name: not downloaded"; continue; }
        mkdir -p "$cache/files/$name.new" && dpkg-deb -x "$package" "$cache/files/$name.new" &&
            mv "$cache/files/$name.new" "$cache/files/$name"
    done
done

# One folder a package, with what the package brings for node alone.
rm -rf "$cache/corpus" "$cache/minified" "$cache/libraries"
mkdir -p "$cache/corpus" "$cache/minified"
for name in "${names[@]}"; do
    source=$cache/files/$name/usr/share/nodejs
    [ -d "$source" ] || source=$cache/files/$name/usr/lib
    [ -d "$source" ] && cp -rP "$source" "$cache/corpus/$name"
done

echo "== as they are"
VEROFORGE_SCAN_CORPUS=$cache/corpus .build/release/veroforge bench scan | tee out/bench-scan.txt
echo "== minified by esbuild"
while IFS= read -r -d '' file; do
    target=$cache/minified/${file#"$cache/corpus/"}
    mkdir -p "$(dirname "$target")"
    printf '%s\0%s\0' "$file" "$target"
done < <(find "$cache/corpus" -type f \( -name '*.js' -o -name '*.cjs' -o -name '*.mjs' \) -print0) |
    xargs -0 -n 2 -P "$(nproc)" sh -c 'esbuild "$0" --minify --log-level=silent --outfile="$1" > /dev/null 2>&1 || true'
VEROFORGE_SCAN_CORPUS=$cache/minified .build/release/veroforge bench scan | tee out/bench-scan-minified.txt

number() { sed -nE "s/^$1: ([0-9]+)$/\1/p" "$2"; }
for file in out/bench-scan.txt out/bench-scan-minified.txt; do
    [ "$(number reject "$file")" = 0 ] && [ "$(number incomplete "$file")" = 0 ] &&
        [ $(($(number review "$file") * 300)) -le $((2 * ${#names[@]})) ] || exit 1
done
[ "$(number review out/bench-scan-minified.txt)" -le "$(number review out/bench-scan.txt)" ] || exit 1

echo "== libraries"
rows=0
missed=0
# The package may be newer than the row: then the file is another one, and a banner names another version.
while IFS=$'\t' read -r kind name version key _ package path; do
    rows=$((rows + 1))
    if [ ! -d "$cache/files/$package" ]; then
        (cd "$cache/deb" && apt-get download -qq "$package" > /dev/null 2>&1)
        for file in "$cache/deb/${package}_"*.deb; do
            [ -e "$file" ] && dpkg-deb -x "$file" "$cache/files/$package"
        done
    fi
    file=$cache/files/$package/$path
    folder=$cache/libraries/$rows
    mkdir -p "$folder"
    if ! cp "$file" "$folder/" 2> /dev/null; then
        echo "$name: $package has no $path"
        missed=$((missed + 1))
    elif [ "$kind" = file ] && [ "$(sha256sum < "$file" | cut -c1-64)" != "$key" ]; then
        echo "$name $version: $package holds another version"
        missed=$((missed + 1))
    fi
done < <(sed 's/\t\t/\t-\t/g' rules/libraries.tsv | grep -v '^#')
.build/release/veroforge scan "$cache/libraries" --format cyclonedx --no-cache > out/libraries.cdx.json
while IFS=$'\t' read -r _ name version _; do
    if ! grep -qF "\"pkg:npm/$name@$version\"" out/libraries.cdx.json; then
        echo "$name $version is not recognised"
        missed=$((missed + 1))
    fi
done < <(grep -v '^#' rules/libraries.tsv | cut -f1-4)
echo "$rows rows, $missed missed"
[ "$missed" = 0 ]
