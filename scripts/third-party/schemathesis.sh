#!/usr/bin/env bash
# Makes requests up from Muster's own OpenAPI document of the SCIM surface, right and wrong ones, and holds the answers to
# it: schemathesis.sh PROGRAM BASE_URL TOKEN WORK
#
# Every phase it has. Not held to it: that everything a document's schema forbids is refused. Muster takes more than it
# describes, by design (docs/profiles.md). One worker: with two, threads of schemathesis 4.32 sometimes trip over each other.
set -euo pipefail
program=$1 base=$2 token=$3 work=$4
# It remembers what failed beside where it stands.
cd "$work"
curl --silent --fail --header "Authorization: Bearer $token" "$base/openapi.json" >"$work/openapi.json"
seed=${MUSTER_TEST_SEED:-$RANDOM}
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks=$checks,response_schema_conformance,ignored_auth,unsupported_method
if ! "$program" run "$work/openapi.json" --url "$base" --header "Authorization: Bearer $token" --checks "$checks" \
  --phases examples,coverage,fuzzing,stateful --max-examples "${EXAMPLES:-40}" --seed "$seed" --workers 1 \
  --generation-database none --no-color >"$work/schemathesis.log" 2>&1; then
  grep --invert-match '^ *$' "$work/schemathesis.log" | tail -80 >&2
  exit 1
fi
grep --extended-regexp "[0-9]+ generated, " "$work/schemathesis.log"
