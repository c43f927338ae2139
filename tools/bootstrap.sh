#!/usr/bin/env bash
# Makes .venv with everything that tests and the demo need, from nothing but Python 3.11 or newer and a package index.
#
#   tools/bootstrap.sh [extra ...]
#
# PYTHON names the interpreter to use; UV_VERSION the uv to install. uv installs what uv.lock says. It does not read pip's
# settings, so those that matter to reach an index are handed on; where it still cannot, pip installs the same versions.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION="${UV_VERSION:?the Makefile sets it}"
VENV=.venv
PY="$VENV/bin/python"

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    # A version manager's shim may be on the path and still not run: each candidate is tried, not only looked up.
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3 python3.13 python}; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    say "error: no Python 3.11 or newer was found${PYTHON:+ at PYTHON=$PYTHON}."
    say "       Install one (Debian: apt-get install python3 python3-venv; macOS: brew install python@3.12) or run: make PYTHON=/path/to/python3.11 ..."
    exit 2
}

make_venv() {
    if [ -e "$VENV" ] && is_new_enough "$PY"; then
        return
    fi
    if [ -e "$VENV" ]; then
        say "error: $VENV is there, but its Python does not run or is older than 3.11. Remove it with 'make clean-venv' and try again."
        exit 2
    fi
    local python
    python="$(find_python)"
    say "making $VENV with $("$python" -c 'import sys; print(sys.executable, sys.version.split()[0])')"
    if ! "$python" -m venv "$VENV"; then
        rm -rf "$VENV"
        say "error: '$python -m venv' failed. On Debian and Ubuntu it needs a package of its own: apt-get install python3-venv"
        exit 2
    fi
}

install_uv() {
    if [ "$("$VENV/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ]; then
        return
    fi
    "$PY" -m pip --version >/dev/null 2>&1 || "$PY" -m ensurepip --upgrade >/dev/null
    "$PY" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
}

hand_on_pip_settings() {
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "${PIP_CERT:-}" ]; then
        export SSL_CERT_FILE="$PIP_CERT"
    fi
    export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-${PIP_DEFAULT_TIMEOUT:-120}}"
    # An uv of another project's environment must not decide where this one installs.
    unset VIRTUAL_ENV CONDA_PREFIX
    export UV_PROJECT_ENVIRONMENT="$VENV" UV_PYTHON_DOWNLOADS=never
}

install_locked() {
    local extras=()
    local extra
    for extra in "$@"; do
        extras+=(--extra "$extra")
    done
    # --inexact leaves alone what somebody has added by hand, uv itself among it.
    if "$VENV/bin/uv" sync --frozen --inexact --python "$PY" "${extras[@]}"; then
        return
    fi
    say "uv could not install from the lock; trying the same versions with pip, which has settings of its own"
    "$PY" -m pip --version >/dev/null 2>&1 || "$PY" -m ensurepip --upgrade >/dev/null
    local list
    list="$(mktemp)"
    trap 'rm -f "$list"' RETURN
    "$VENV/bin/uv" export --frozen --quiet --offline --no-emit-project --python "$PY" "${extras[@]}" --output-file "$list" >/dev/null
    # The list is complete, and one package in it asks for a library that has to be compiled and is not used: no dependencies.
    "$PY" -m pip install --disable-pip-version-check --no-deps --require-hashes -r "$list"
    "$PY" -m pip install --disable-pip-version-check --no-deps --editable .
}

make_venv
install_uv
hand_on_pip_settings
install_locked "$@"
