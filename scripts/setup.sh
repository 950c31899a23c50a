#!/usr/bin/env bash
# Makes $VENV with Pierhead (editable), its development tools and the tested versions of everything.
set -euo pipefail
python=${PYTHON:-python3.11}
venv=${VENV:-.venv}
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Pierhead needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1). Set PYTHON=... for make." >&2
  exit 1
}
echo "Setting up $venv ..."
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
# uv does not read pip's configuration: tell it which index pip uses, if one is set.
index=$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)
if [ -z "${UV_DEFAULT_INDEX:-}" ] && [ -n "${PIP_INDEX_URL:-$index}" ]; then
  export UV_DEFAULT_INDEX="${PIP_INDEX_URL:-$index}"
fi
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" -c constraints.txt -e ".[dev]"
touch "$venv/.ready"
echo "Ready: $venv"
