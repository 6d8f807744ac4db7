#!/usr/bin/env bash
# Looks at the console with a browser: every page, in light and dark, at two widths, with and without JavaScript, by axe.
#
#   scripts/browser.sh [PROGRAM] [PICTURES]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise; it serves the company that `muster demo` makes
# up. PICTURES is where a picture of each page is kept, target/console unless said otherwise. Installs what is missing:
# Chromium and Node.js (apt-get), playwright-core and axe-core (npm, in the versions named here, in target/third-party).
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
pictures=$(realpath -m "${2:-target/console}")
here=$PWD
tools=$PWD/target/third-party/browser
packages="playwright-core@1.65.1 axe-core@4.14.1"

missing=()
command -v chromium >/dev/null || missing+=(chromium fonts-liberation fonts-noto-core fontconfig)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [[ ${#missing[@]} -gt 0 ]]; then
  sudo=$([[ $(id -u) -eq 0 ]] || echo sudo)
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$tools"
if [[ ! -e $tools/installed || $(cat "$tools/installed") != "$packages" ]]; then
  # shellcheck disable=SC2086
  (cd "$tools" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --prefix "$tools" $packages)
  echo "$packages" >"$tools/installed"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/muster-browser.XXXXXX")
clean_up() {
  local status=$?
  trap - EXIT
  [[ -z ${server:-} ]] || kill "$server" 2>/dev/null || true
  [[ -z ${server:-} ]] || wait "$server" 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT

(cd "$work" && exec env -u MUSTER_DATABASE_URL MUSTER_LOG=warn "$program" demo --listen 127.0.0.1:0 >out 2>log) &
server=$!
for _ in $(seq 300); do
  grep --quiet 'http://' "$work/out" && break
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
link=$(grep --only-matching 'http://[^ ]*/link/[^ ]*' "$work/out")
mkdir -p "$pictures"
(cd "$tools" && node "$here/scripts/browser/console.mjs" "$link" "$here/src/http/console" "$pictures")
