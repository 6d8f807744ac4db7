#!/usr/bin/env bash
# Measures Muster and the machine's limits in one run and prints the table of docs/performance.md.
#
#   scripts/performance.sh LOAD OUT
#
# LOAD: the folder of the load tool, with bench.sh, limits.sh and scimbench. OUT: where the results go, one JSON line a
# measure, what the servers logged, and table.md. Needs what limits.sh needs (wrk, libsqlite3-dev, pgbench), and python3. Run it on a quiet machine;
# it takes about ten minutes beside the build.
# SIZE is the population (100000; 10000 at least), DUR and SECONDS_EACH the seconds a measure and a limit (2), MANY the seconds of many
# organizations at once (60). PROGRAM is a muster that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: scripts/performance.sh LOAD OUT"
load=$(cd "${1:?$usage}" && pwd)
mkdir -p "${2:?$usage}"
out=$(cd "$2" && pwd)
size=${SIZE:-100000}
export DUR=${DUR:-2} SECONDS_EACH=${SECONDS_EACH:-2} TOTAL_BUDGET=600 BENCH_TARGET_DIR=${BENCH_TARGET_DIR:-$out/target}

if [[ -z ${PROGRAM:-} ]]; then
  cargo build --profile dist --locked --bin muster
  PROGRAM=target/dist/muster
fi
work=$(mktemp -d)
chmod 755 "$work"
server=
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  scripts/postgres.sh stop "$work/postgres"
  rm -rf "$work"
}
trap clean_up EXIT
postgres=$(scripts/postgres.sh start "$work/postgres" fsync=on)
hostport=${postgres#*@}
hostport=${hostport%%/*}
credentials=${postgres#*//}
credentials=${credentials%%@*}
export PGHOST=${hostport%:*} PGPORT=${hostport#*:} PGUSER=${credentials%%:*} PGPASSWORD=${credentials#*:} PGDATABASE=postgres

"$load/limits.sh" "$out/limits.json"
python3 scripts/performance/signals.py "$PROGRAM" | tee "$out/signals.json"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
base=http://127.0.0.1:$port/scim/v2

# Starts a server on the database URL $1 and waits for its token.
start() {
  MUSTER_RATE_LIMIT=0 "$PROGRAM" serve --listen "127.0.0.1:$port" --database-url "$1" >"$work/printed" 2>"$out/$database.log" &
  server=$!
  until token=$(grep -o 'muster_scim_[A-Za-z0-9_-]*' "$work/printed"); do
    kill -0 "$server"
    sleep 0.1
  done
}

# Twenty-five requests a second for each of forty organizations.
many_organizations() {
  local number
  for number in $(seq 40); do
    "$PROGRAM" org create "many-$number" --database-url "$1" >/dev/null
    "$PROGRAM" connection create --org "many-$number" many --database-url "$1" >/dev/null
    "$PROGRAM" token issue --org "many-$number" --kind scim --connection many --database-url "$1"
  done >"$work/tokens"
  SPAN=${MANY:-60} python3 scripts/performance/provisioning.py "$base" --many <"$work/tokens" | tee "$out/postgres-many.json"
}

for database in sqlite postgres; do
  case $database in
  sqlite) url=sqlite:$work/muster.db ;;
  postgres)
    psql --quiet --dbname postgres --command 'CREATE DATABASE performance'
    url=${postgres/\/postgres/\/performance}
    ;;
  esac
  start "$url"
  SERVER_PID=$server LABEL=$database "$load/bench.sh" "$base" "$token" "$out/$database.json" "1000,$size"
  python3 scripts/performance/provisioning.py "$base" "$token" | tee "$out/$database-provisioning.json"
  # Groups with one member: every request takes a revision. Last, for that member is in thousands of groups afterwards.
  user=$(curl -s "$base/Users?count=1&attributes=id" -H "Authorization: Bearer $token" |
    sed 's/.*"id":"\([^"]*\)".*/\1/')
  seq 200000 | sed "s/.*/{\"displayName\":\"revision &\",\"members\":[{\"value\":\"$user\"}]}/" >"$work/groups"
  "$BENCH_TARGET_DIR/release/scimbench" raw-post "$base/Groups" "$work/groups" 16 "$DUR" "$token" \
    >"$out/$database-revision.json"
  [[ $database = sqlite ]] || many_organizations "$url"
  kill "$server"
  wait "$server"
  server=
done
python3 scripts/performance/table.py "$out" | tee "$out/table.md"
