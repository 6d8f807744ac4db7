#!/usr/bin/env bash
# Runs the conformance kit against Muster, scim2-server and scimmy-routers, and writes docs/conformance.md.
#
# Needs python3 with venv, node with npm, and the network the first time; what is installed stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

scim2_server=0.8.3
scimmy_routers=1.3.2
scimmy=1.3.5

cargo build --quiet --package muster --package conformance
program=$PWD/target/debug/muster
# shellcheck source=scripts/running.sh
source scripts/running.sh

python_programs peer "scim2-server[cursor]==$scim2_server"
node_programs scimmy "scimmy-routers@$scimmy_routers" "scimmy@$scimmy" express@4.21.2
cp scripts/peers/scimmy.mjs "$tools/scimmy/"
begin conformance

# Finding faults is what this is for, so exit code 1 is no failure here.
look() {
  target/debug/conformance --report json "$@" || [[ $? -eq 1 ]]
}

serve
look --base-url "$muster/scim/v2" --token "$token" --other-token "$(organization other)" >"$work/muster.json"

serve_scim2 "$tools/peer/bin/python"
look --base-url "$peer" --token peer >"$work/scim2.json"

port=$(free_port)
node "$tools/scimmy/scimmy.mjs" "$port" peer >"$work/scimmy.log" 2>&1 &
running+=($!)
answers "http://127.0.0.1:$port/scim/ServiceProviderConfig"
look --base-url "http://127.0.0.1:$port/scim" --token peer >"$work/scimmy.json"

{
  cat <<INTRODUCTION
# Conformance, side by side

What the [conformance kit](../conformance/README.md) finds in Muster and in two other SCIM servers. This page is written by \`scripts/conformance-report.sh\`.

* Muster $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1), on SQLite, without a profile; the suite runs the kit on both databases (\`tests/api/conformance.rs\`).
* [scim2-server](https://github.com/python-scim/scim2-server) $scim2_server, which keeps to the RFCs and is meant for tests of clients; with cursors switched on.
* [scimmy-routers](https://github.com/scimmyjs/scimmy-routers) $scimmy_routers with scimmy $scimmy, a library: what it leaves to its users is in \`scripts/peers/scimmy.mjs\`.

A conversation ends at the first answer an identity provider could not use, so one failure can hide others. Neither peer has organizations, so requirement 66 is not checked there. That a strict server fails conversations is no breach of the RFCs: identity providers send what the RFCs do not foresee, and that is what the conversations are for.

INTRODUCTION
  target/debug/side-by-side "Muster=$work/muster.json" "scim2-server=$work/scim2.json" "scimmy-routers=$work/scimmy.json"
} >"$work/conformance.md"
mv "$work/conformance.md" docs/conformance.md
