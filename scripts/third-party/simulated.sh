#!/usr/bin/env bash
# scim-sim leads people and a group through their lives. It tells of a failure by a cross in what it prints.
#
# Usage: simulated.sh PROGRAM BASE_URL TOKEN FOLDER
set -euo pipefail
program=$1 base=$2 token=$3 folder=$4

export HOME=$folder
printf '{"SCIM_BASE_URL": "%s", "SCIM_AUTH_TOKEN": "%s"}' "$base" "$token" >"$HOME/.scim_config.json"

sim() {
  local printed
  printed=$("$program" "$@" </dev/null 2>&1)
  if [[ $printed == *"❌"* || $printed == *Traceback* || $printed != *"✅"* && $1 != show ]]; then
    echo "scim-sim $*: $printed" >&2
    exit 1
  fi
  sed -n 's/.*ID: *\([0-9a-f-]\{36\}\).*/\1/p' <<<"$printed" | head -1
}

ada=$(sim add-user)
bob=$(sim add-user)
team=$(sim create-group "scim-sim $RANDOM")
[[ -n $ada && -n $bob && -n $team ]]
sim add-to-group "$ada" "$team"
sim add-to-group "$bob" "$team"
sim remove-from-group "$ada" "$team"
sim show
sim remove-from-group "$bob" "$team"
sim delete-group "$team"
sim remove-user "$ada"
sim remove-user "$bob"
echo "  people and a group came, joined, parted and went"
