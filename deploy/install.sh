#!/usr/bin/env bash
# Makes .venv and installs a hashed lock into it: `deploy/install.sh requirements.txt`.
# What was installed is remembered inside .venv, so a second run costs nothing. PYTHON chooses another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1
uv_version=0.13.9
venv=.venv
stamps=$venv/installed

installed() {
  [[ -x $venv/bin/python && -f $stamps/$1 ]] && cmp -s "$1" "$stamps/$1"
}

installed "$lock" && exit 0

# One installation at a time, whoever else starts `make` here meanwhile.
if command -v flock >/dev/null; then
  exec 9<.
  flock 9
  installed "$lock" && exit 0
fi

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Manyhands needs Python 3.11 or later, and found none. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
  return 1
}

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
  fi
  echo "Making .venv with $("$python" --version)" >&2
  "$python" -m venv --clear "$venv"
fi

echo "Installing $lock into .venv (once; a few seconds when the packages are cached)" >&2
rm -f "$stamps/$lock"
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
if "$venv/bin/uv" --version 2>/dev/null | grep -qF "uv $uv_version" || "${pip[@]}" install "uv==$uv_version"; then
  # What pip is configured to (a mirror, a certificate) counts for uv too.
  configured=$("$venv/bin/python" -m pip config list 2>/dev/null || true)
  index=$(sed -n "s/^global\.index-url='\(.*\)'$/\1/p" <<<"$configured")
  certificate=$(sed -n "s/^global\.cert='\(.*\)'$/\1/p" <<<"$configured")
  if [[ -n $index ]]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}; fi
  if [[ -n $certificate ]]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$certificate}; fi
  # Compiled once here, every later start is a second faster.
  "$venv/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" \
    --require-hashes -r "$lock" || "${pip[@]}" install --require-hashes -r "$lock"
else
  echo "uv could not be installed; pip does it, more slowly" >&2
  "${pip[@]}" install --require-hashes -r "$lock"
fi
mkdir -p "$stamps"
cp "$lock" "$stamps/$lock"
# The lock for tests holds everything of the lock for running, in the same versions.
if [[ $lock == requirements-dev.txt ]]; then
  cp requirements.txt "$stamps/requirements.txt"
fi
