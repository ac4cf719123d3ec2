#!/usr/bin/env bash
# Looks at the pages in a real Chromium: every page kind with axe, CSP, budgets, validator and search; the SDK's elements;
# and a customer's whole way against the real runtime, by keyboard alone and without script.
set -euo pipefail
cd "$(dirname "$0")/../.."
VENV=$PWD/.venv-browser
stamp=$VENV/$(sha256sum Tests/Browser/requirements.txt | cut -c1-16)
if [ ! -e "$stamp" ]; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check -r Tests/Browser/requirements.txt
    touch "$stamp"
fi
# With options only the pages are looked at: `--screenshots FOLDER` keeps a picture of each kind.
[ $# = 0 ] || exec "$VENV/bin/python" Tests/Browser/check.py "$@"
status=0
"$VENV/bin/python" Tests/Browser/check.py || status=1
"$VENV/bin/python" Tests/Browser/elements.py || status=1
"$VENV/bin/python" Tests/Browser/journey.py --programs "${VEROFORGE_PROGRAMS:-.build/release}" || status=1
exit $status
