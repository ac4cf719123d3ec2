#!/usr/bin/env bash
# Looks at the pages in a real Chromium: every page kind, with axe, CSP, budgets, validator and search. The customer's whole
# way against the real runtime is `Tests/Browser/journey.py --programs .build/release`; it is run by hand.
set -euo pipefail
cd "$(dirname "$0")/../.."
VENV=$PWD/.venv-browser
stamp=$VENV/$(sha256sum Tests/Browser/requirements.txt | cut -c1-16)
if [ ! -e "$stamp" ]; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check -r Tests/Browser/requirements.txt
    touch "$stamp"
fi
"$VENV/bin/python" Tests/Browser/check.py
