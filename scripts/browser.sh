#!/usr/bin/env bash
# Looks at the console with a browser: every page, in light and dark, at two widths, with and without JavaScript, by axe;
# and drives it as people do, from the first link on.
#
#   scripts/browser.sh [PROGRAM] [PICTURES]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise; it serves the company that `muster demo` makes
# up, and an empty database. PICTURES is where a picture of each page is kept, target/console unless said otherwise.
# Signing in by an identity provider is driven by scripts/sign-in.sh. Installs what is missing: Chromium and Node.js
# (apt-get), playwright-core and axe-core (npm, in the versions named here, in target/third-party).
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
pictures=$(realpath -m "${2:-target/console}")
here=$PWD
# shellcheck source=scripts/running.sh
source scripts/running.sh

missing=()
command -v chromium >/dev/null || missing+=(chromium fonts-liberation fonts-noto-core fontconfig)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [[ ${#missing[@]} -gt 0 ]]; then
  sudo=$([[ $(id -u) -eq 0 ]] || echo sudo)
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
node_programs browser playwright-core@1.65.1 axe-core@4.14.1
begin browser

# Starts the program in a folder of its own and waits until it prints a link that signs in.
start() {
  local folder=$1
  shift
  mkdir -p "$folder"
  (cd "$folder" && exec env -u MUSTER_DATABASE_URL MUSTER_LOG=warn "$program" "$@" --listen 127.0.0.1:0 >out 2>log) &
  running+=($!)
  until grep --quiet --no-messages '/link/' "$folder/out"; do
    kill -0 "${running[-1]}" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
}
link_of() {
  grep --only-matching 'http://[^ ]*/link/[^ ]*' "$1/out"
}

mkdir -p "$pictures"
mkdir -p "$work/fresh"
echo 'invitation_domains = ["example.com"]' >"$work/fresh/muster.toml"
start "$work/demo" demo
start "$work/fresh" serve
# The two look at servers of their own, side by side.
(cd "$tools/browser" && exec node "$here/scripts/browser/console.mjs" "$(link_of "$work/demo")" "$here/src/http/console" "$pictures") &
looking=$!
base=$(sed --quiet 's/^SCIM base URL: //p' "$work/fresh/out")
token=$(sed --quiet 's/^SCIM token: //p' "$work/fresh/out")
driven=0
cat >"$work/muster" <<PROGRAM
#!/bin/sh
cd "$work/fresh" && exec env MUSTER_LOG=error MUSTER_PUBLIC_URL="${base%/scim/v2}" "$program" "\$@"
PROGRAM
chmod +x "$work/muster"
(cd "$tools/browser" && exec node "$here/scripts/browser/flows.mjs" "$(link_of "$work/fresh")" "$base" "$token" "$work/muster" "$work/fresh/muster.db" "$pictures") || driven=$?
wait "$looking"
exit "$driven"
