#!/usr/bin/env bash
# What only tests need of the system: PostgreSQL's server, Chromium and what it and Playwright miss on a bare Debian.
# Installed when we may (root and apt). Otherwise says what is missing; the tests that need it then skip with that reason.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || missing+=(chromium fonts-liberation)
# Papers and cards in every script: Latin to Arabic and Hebrew; Chinese, Japanese and Korean; Devanagari, Thai and others.
[[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]] || missing+=(fonts-dejavu-core)
[[ -e /usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf ]] || missing+=(fonts-droid-fallback)
[[ -e /usr/share/fonts/truetype/freefont/FreeSerif.ttf ]] || missing+=(fonts-freefont-ttf)
ldconfig -p 2>/dev/null | grep -qF libatomic.so.1 || /sbin/ldconfig -p 2>/dev/null | grep -qF libatomic.so.1 || missing+=(libatomic1)
# Chromium without windows does the browser's tests in half the time; older systems have only the whole one.
command -v chromium-headless-shell >/dev/null && faster=() || faster=(chromium-headless-shell)
((${#missing[@]} + ${#faster[@]})) || exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  ((${#missing[@]})) && echo "Some tests will be skipped. To enable them: sudo apt-get install ${missing[*]}" >&2
  exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
get() { { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; }

if ((${#missing[@]})); then
  echo "Installing for the tests: ${missing[*]}" >&2
  if ! get "${missing[@]}"; then
    tail -n 5 "$log" >&2
    echo "That did not work, so some tests will be skipped. By hand: apt-get install ${missing[*]}" >&2
  fi
fi
if ((${#faster[@]})) && ! get "${faster[@]}"; then
  echo "There is no ${faster[*]} here: the browser's tests take longer." >&2
fi
