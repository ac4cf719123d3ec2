#!/usr/bin/env bash
# Looks at the pages in a real Chromium: every page kind (axe, CSP, budgets, validator, search), then a customer's whole
# way through the marketplace against the real runtime on loopback, with the keyboard alone and with script off.
set -euo pipefail
cd "$(dirname "$0")/../.."
PROGRAMS=${VEROFORGE_PROGRAMS:-$PWD/.build/release}
VENV=$PWD/.venv-browser
stamp=$VENV/$(sha256sum Tests/Browser/requirements.txt | cut -c1-16)
if [ ! -e "$stamp" ]; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check -r Tests/Browser/requirements.txt
    touch "$stamp"
fi
"$VENV/bin/python" Tests/Browser/check.py
"$VENV/bin/python" Tests/Browser/journey.py --programs "$PROGRAMS"
