#!/usr/bin/env bash
# The reports that a real submission leaves, read by validators that others wrote. Needs the built programs
# (VEROFORGE_PROGRAMS, or .build/release) and the Python packages of Tests/requirements.txt (VENV, or .venv).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=${VEROFORGE_PROGRAMS:-$root/.build/release}
python=${VENV:-$root/.venv}/bin/python
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export VEROFORGE_HOME="$root" VEROFORGE_PROGRAMS="$programs" VEROFORGE_DATA="$folder/data"
cd "$folder"

"$programs/veroforge" init --demo > /dev/null
"$programs/veroforge" publisher register northwind-samples --name "Northwind Samples" --email dev@example.com \
    --country DE --key key > /dev/null
cp -r "$root/plugins/overdue-reminders" "$root/plugins/hostile" .
# Dependencies, a package with a scope, and one that advisories know.
cat > overdue-reminders/package-lock.json <<'JSON'
{"name": "overdue-reminders", "version": "1.0.0", "lockfileVersion": 3, "packages": {
  "": {"name": "overdue-reminders", "version": "1.0.0", "dependencies": {"lodash": "4.17.20", "@types/node": "20.0.0"}},
  "node_modules/lodash": {"version": "4.17.20", "license": "MIT", "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.20.tgz",
    "integrity": "sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA=="},
  "node_modules/@types/node": {"version": "20.0.0", "dev": true}}}
JSON
for plugin in overdue-reminders hostile; do
    "$programs/veroforge" plugin submit "$plugin" --key key > /dev/null
done
"$programs/veroforge" run submission > /dev/null
mapfile -t files < <(find "$folder/data/reports" -name scan.sarif -o -name sbom.cdx.json | sort)
[ ${#files[@]} = 4 ] || { echo "there are ${#files[@]} reports, not 4"; exit 1; }
schema=${VENV:-$root/.venv}/sarif-schema-2.1.0.json
validate() { "$python" "$root/Tests/Python/reports_validate.py" "$schema" "$@"; }
validate "${files[@]}"
# What is wrong is refused: a validator that passes everything shows nothing.
refuse() {
    if validate "$1" > /dev/null 2>&1; then echo "$1 is broken and was called valid"; exit 1; fi
}
sed 's/"bomFormat"/"bombFormat"/' "$(dirname "${files[0]}")/sbom.cdx.json" > broken.cdx.json
refuse broken.cdx.json
for change in 's/"version" *: *"2.1.0"/"version": 7/' 's/"columnKind"/"columnSort"/' \
    's/"ruleIndex" *: *[0-9]*/"ruleIndex": -2/'; do
    sed "$change" "$(dirname "${files[0]}")/scan.sarif" > broken.sarif
    refuse broken.sarif
done
