#!/usr/bin/env bash
# Runs what others wrote to test SCIM servers, and a whole identity provider, against Muster. Every one is a gate.
#
#   scripts/third-party.sh [PROGRAM]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise. Needs python3 with venv; what is installed,
# by pip in the versions named here, stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
# shellcheck source=scripts/running.sh
source scripts/running.sh

# One environment each, for they want different versions of the same libraries.
python_programs checks scim2-cli==0.6.0 scim2-tester==0.5.2 scim2-client==0.13.2 scim2-models==0.12.3 scim-sanity==0.7.4
python_programs models pydantic-scim==0.0.8
python_programs sim scim-sim==0.2.0
python_programs peer 'scim2-server[cursor]==0.8.3'
python_programs schemathesis schemathesis==4.32.5
python_programs canaille 'canaille[scim,oidc,sqlite,front,server]==0.3.6' scim2-client==0.8.0 scim2-models==0.7.0 sqlalchemy==2.0.58

begin third-party
serve
base=$muster/scim/v2

# A clean organization for each.
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
serve_scim2 "$tools/peer/bin/python"
python3 scripts/third-party/differential.py "$base" "$(organization differential)" "$peer" peer

echo "schemathesis 4.32.5 by $base/openapi.json"
scripts/third-party/schemathesis.sh "$tools/schemathesis/bin/schemathesis" "$base" "$(organization schemathesis)" "$work"

echo "canaille 0.3.6"
"$tools/canaille/bin/python" -W ignore scripts/third-party/canaille_provisioning.py "$base" "$(organization canaille okta)" "$work" \
  2>"$work/canaille.log" || { tail -20 "$work/canaille.log" >&2; exit 1; }
