#!/usr/bin/env bash
# Installs livesteward: LIVESTEWARD is a version, or "." for the checkout as its lock file says.
set -euo pipefail

if [ "${LIVESTEWARD:?name a version}" = "." ]; then
    make install
    printf '%s\n' "$PWD/.venv/bin" >>"$GITHUB_PATH"
elif [[ "$LIVESTEWARD" =~ ^[0-9][0-9A-Za-z.+!-]*$ ]]; then
    python -m pip install --disable-pip-version-check "livesteward[perception,eval]==$LIVESTEWARD"
else
    printf '::error title=livesteward::the input livesteward is neither a version nor "."\n'
    exit 2
fi
