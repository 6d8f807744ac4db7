#!/usr/bin/env bash
# Runs the conformance kit against Muster, PyPI scim2-server and npm scimmy-routers, and writes docs/conformance.md.
#
# Needs python3 with venv, node with npm, and the network the first time; what is installed stays in target/peers.
set -euo pipefail
cd "$(dirname "$0")/.."

scim2_server=0.8.3
scimmy_routers=1.3.2
scimmy=1.3.5

peers=$PWD/target/peers
mkdir -p "$peers"
work=$(mktemp -d)
servers=()
clean_up() {
  for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT

if [[ ! -e $peers/venv-$scim2_server ]]; then
  python3 -m venv "$peers/venv-$scim2_server"
  "$peers/venv-$scim2_server/bin/pip" install --quiet "scim2-server[cursor]==$scim2_server"
fi
if [[ ! -e $peers/scimmy-$scimmy_routers/node_modules ]]; then
  mkdir -p "$peers/scimmy-$scimmy_routers"
  npm install --silent --no-audit --no-fund --prefix "$peers/scimmy-$scimmy_routers" \
    "scimmy-routers@$scimmy_routers" "scimmy@$scimmy" express@4.21.2
fi
cp scripts/peers/scimmy.mjs "$peers/scimmy-$scimmy_routers/"

cargo build --quiet --package muster --package conformance
program=$PWD/target/debug

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for() {
  for _ in $(seq 100); do
    curl --silent --output /dev/null "$1" && return
    sleep 0.1
  done
  echo "conformance-report.sh: nobody answers at $1" >&2
  exit 1
}

# Finding faults is what this is for, so exit code 1 is no failure here.
look() {
  "$program/conformance" --report json "$@" || [[ $? -eq 1 ]]
}

port=$(free_port)
database=sqlite:$work/muster.db
(cd "$work" && exec env MUSTER_RATE_LIMIT=0 "$program/muster" serve --listen "127.0.0.1:$port" --database-url "$database" >"$work/first" 2>"$work/muster.log") &
servers+=($!)
wait_for "http://127.0.0.1:$port/readyz"
token=$(sed -n 's/^SCIM token: //p' "$work/first")
"$program/muster" org create other --database-url "$database" >/dev/null
"$program/muster" connection create --org other other --database-url "$database" >/dev/null
other=$("$program/muster" token issue --org other --kind scim --connection other --database-url "$database")
look --base-url "http://127.0.0.1:$port/scim/v2" --token "$token" --other-token "$other" >"$work/muster.json"

port=$(free_port)
"$peers/venv-$scim2_server/bin/python" scripts/peers/oracle.py "$port" peer scripts/peers/configuration.json >"$work/scim2.log" 2>&1 &
servers+=($!)
wait_for "http://127.0.0.1:$port/v2/ServiceProviderConfig"
look --base-url "http://127.0.0.1:$port/v2" --token peer >"$work/scim2.json"

port=$(free_port)
node "$peers/scimmy-$scimmy_routers/scimmy.mjs" "$port" peer >"$work/scimmy.log" 2>&1 &
servers+=($!)
wait_for "http://127.0.0.1:$port/scim/ServiceProviderConfig"
look --base-url "http://127.0.0.1:$port/scim" --token peer >"$work/scimmy.json"

{
  cat <<INTRODUCTION
# Conformance, side by side

What the [conformance kit](../conformance/README.md) finds in Muster and in two other SCIM servers. This page is written by \`scripts/conformance-report.sh\`.

* Muster $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1), on SQLite, without a profile; the suite runs the kit on both databases (\`tests/api/conformance.rs\`).
* PyPI [scim2-server](https://pypi.org/project/scim2-server/) $scim2_server, which keeps to the RFCs and is meant for tests of clients; with cursors switched on.
* npm [scimmy-routers](https://www.npmjs.com/package/scimmy-routers) $scimmy_routers with scimmy $scimmy, a library: what it leaves to its users is in \`scripts/peers/scimmy.mjs\`.

A conversation ends at the first answer an identity provider could not use, so one failure can hide others. Neither peer has organizations, so requirement 66 is not checked there. That a strict server fails conversations is no breach of the RFCs: identity providers send what the RFCs do not foresee, and that is what the conversations are for.

INTRODUCTION
  "$program/side-by-side" "Muster=$work/muster.json" "scim2-server=$work/scim2.json" "scimmy-routers=$work/scimmy.json"
} >"$work/conformance.md"
mv "$work/conformance.md" docs/conformance.md
