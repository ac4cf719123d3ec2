#!/usr/bin/env bash
# Seeded crashes of the real nightly run: 500 in make test-full, 50 in make test.
set -euo pipefail
exec python3 "$(dirname "$0")/run.py"
