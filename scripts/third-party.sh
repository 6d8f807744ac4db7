#!/usr/bin/env bash
# Runs what others wrote to test SCIM servers, and a whole identity provider, against Muster. Every one is a gate.
#
#   scripts/third-party.sh [PROGRAM]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise. Needs python3 with venv; what is installed,
# from PyPI in the versions named here, stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
tools=$PWD/target/third-party

# One environment each, for they want different versions of the same libraries.
install() {
  local name=$1
  shift
  local stamp="$tools/$name.installed"
  if [[ ! -e $stamp || $(cat "$stamp") != "$*" ]]; then
    rm -rf "${tools:?}/$name"
    python3 -m venv "$tools/$name"
    "$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$stamp"
  fi
}
mkdir -p "$tools"
install checks scim2-cli==0.6.0 scim2-tester==0.5.2 scim2-client==0.13.2 scim2-models==0.12.3 scim-sanity==0.7.4
install models pydantic-scim==0.0.8
install sim scim-sim==0.2.0
install peer 'scim2-server[cursor]==0.8.3'
install schemathesis schemathesis==4.32.5
install canaille 'canaille[scim,oidc,sqlite,front,server]==0.3.6' scim2-client==0.8.0 scim2-models==0.7.0 sqlalchemy==2.0.58

work=$(mktemp -d "${TMPDIR:-/tmp}/muster-third-party.XXXXXX")
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

export MUSTER_DATABASE_URL=sqlite:$work/muster.db MUSTER_RATE_LIMIT=0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
base=http://127.0.0.1:$port/scim/v2
(cd "$work" && exec "$program" serve --listen "127.0.0.1:$port" >first 2>log) &
server=$!
for _ in $(seq 100); do
  curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz" && break
  sleep 0.1
done

# A clean organization for each; prints the token.
organization() {
  "$program" org create "$1" >/dev/null
  "$program" connection create --org "$1" "$1" ${2:+--profile "$2"} >/dev/null
  "$program" token issue --org "$1" --kind scim --connection "$1"
}

echo "scim2 test (scim2-cli 0.6.0)"
if ! SCIM_CLI_HEADERS="Authorization: Bearer $(organization scim2)" "$tools/checks/bin/scim2" --url "$base" test >"$work/scim2"; then
  grep --after-context=1 --invert-match '^SUCCESS\|^  ' "$work/scim2" >&2
  exit 1
fi
echo "  $(grep --count '^SUCCESS' "$work/scim2") passed"

echo "scim-sanity probe, strict (scim-sanity 0.7.4)"
"$tools/checks/bin/scim-sanity" probe "$base" --token "$(organization sanity)" --strict --i-accept-side-effects \
  --json-output >"$work/sanity.json" || true
python3 scripts/third-party/sanity.py "$work/sanity.json"

echo "pydantic-scim 0.0.8"
"$tools/models/bin/python" -W ignore scripts/third-party/parsing.py "$base" "$(organization models)"

echo "scim-sim 0.2.0"
scripts/third-party/simulated.sh "$tools/sim/bin/scim-sim" "$base" "$(organization sim)" "$work"

echo "random requests to Muster and to scim2-server 0.8.3"
peer_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$tools/peer/bin/python" scripts/peers/oracle.py "$peer_port" peer scripts/peers/configuration.json >"$work/peer.log" 2>&1 &
peer=$!
for _ in $(seq 100); do
  curl --silent --output /dev/null "http://127.0.0.1:$peer_port/v2/ServiceProviderConfig" && break
  sleep 0.1
done
python3 scripts/third-party/differential.py "$base" "$(organization differential)" "http://127.0.0.1:$peer_port/v2" peer

echo "schemathesis 4.32.5 by $base/openapi.json"
scripts/third-party/schemathesis.sh "$tools/schemathesis/bin/schemathesis" "$base" "$(organization schemathesis)" "$work"

echo "canaille 0.3.6"
"$tools/canaille/bin/python" -W ignore scripts/third-party/canaille_provisioning.py "$base" "$(organization canaille okta)" "$work" \
  2>"$work/canaille.log" || { tail -20 "$work/canaille.log" >&2; exit 1; }
