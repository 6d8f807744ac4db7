#!/usr/bin/env bash
# Signs in to the console by real identity providers: npm oidc-provider, certified for OpenID Connect, and canaille. Both run
# on this machine.
#
#   scripts/sign-in.sh [PROGRAM] [PICTURES]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise. Needs Chromium, Node.js and python3 with venv;
# scripts/browser.sh installs the first two. What is installed, in the versions named here, stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
pictures=$(realpath -m "${2:-target/console}")
here=$PWD
tools=$PWD/target/third-party/sign-in
packages="playwright-core@1.65.1 oidc-provider@9.13.3"
canaille="canaille[oidc,sqlite,front,server]==0.3.6 sqlalchemy==2.0.58"

mkdir -p "$tools"
if [[ ! -e $tools/installed || $(cat "$tools/installed") != "$packages" ]]; then
  # shellcheck disable=SC2086
  (cd "$tools" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --prefix "$tools" $packages)
  echo "$packages" >"$tools/installed"
fi
if [[ ! -e $tools/canaille.installed || $(cat "$tools/canaille.installed") != "$canaille" ]]; then
  rm -rf "$tools/canaille"
  python3 -m venv "$tools/canaille"
  # shellcheck disable=SC2086
  "$tools/canaille/bin/pip" install --quiet --disable-pip-version-check $canaille
  echo "$canaille" >"$tools/canaille.installed"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/muster-sign-in.XXXXXX")
clean_up() {
  local status=$?
  trap - EXIT
  for pid in "${server:-}" "${peer:-}"; do
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

export MUSTER_DATABASE_URL=sqlite:$work/muster.db MUSTER_RATE_LIMIT=0 MUSTER_OUTBOUND_NETWORKS=127.0.0.0/8
port=$(free_port)
muster=http://127.0.0.1:$port
(cd "$work" && exec "$program" serve --listen "127.0.0.1:$port" >first 2>log) &
server=$!
for _ in $(seq 100); do
  curl --silent --fail --output /dev/null "$muster/readyz" && break
  sleep 0.1
done
admin=$("$program" token issue --kind admin)
scim=$("$program" token issue --kind scim --connection default)
curl --silent --fail --output /dev/null --header "Authorization: Bearer $scim" --header 'Content-Type: application/scim+json' \
  --data '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com","externalId":"subject-of-ana"}' \
  "$muster/scim/v2/Users"

echo "oidc-provider 9.13.3"
mkdir -p "$pictures"
(cd "$tools" && PROVIDER_PORT=$(free_port) node "$here/scripts/browser/sign-in.mjs" "$muster" "$admin" "$pictures") 2>"$work/provider.log" ||
  { tail -20 "$work/provider.log" >&2; tail -5 "$work/log" >&2; exit 1; }

echo "canaille 0.3.6"
curl --silent --fail --output /dev/null --header "Authorization: Bearer $scim" --header 'Content-Type: application/scim+json' \
  --data '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}' "$muster/scim/v2/Users"
"$tools/canaille/bin/python" -W ignore scripts/third-party/canaille_sign_in.py "$muster" "$admin" "$work" "$(free_port)" \
  2>"$work/canaille.log" || { tail -20 "$work/canaille.log" >&2; tail -5 "$work/log" >&2; exit 1; }
