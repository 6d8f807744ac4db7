#!/usr/bin/env bash
# Measures Muster and the machine's limits in one run, for the table in docs/performance.md.
#
#   scripts/performance.sh LOAD OUT
#
# LOAD: the folder of the load tool, with bench.sh, limits.sh and scimbench. OUT: where the results go, one JSON line a
# measure. Needs what limits.sh needs (wrk, libsqlite3-dev, pgbench). Run it on a quiet machine.
# SIZE is the population (100000), DUR the seconds a measure (3).
set -euo pipefail
cd "$(dirname "$0")/.."
load=$(cd "${1:?usage: scripts/performance.sh LOAD OUT}" && pwd)
mkdir -p "${2:?usage: scripts/performance.sh LOAD OUT}"
out=$(cd "$2" && pwd)
size=${SIZE:-100000}
export DUR=${DUR:-3} TOTAL_BUDGET=1500 BENCH_TARGET_DIR=${BENCH_TARGET_DIR:-$out/target}

cargo build --release --locked
work=$(mktemp -d)
chmod 755 "$work"
server=
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  scripts/postgres.sh stop "$work/postgres"
  rm -rf "$work"
}
trap clean_up EXIT
postgres=$(scripts/postgres.sh start "$work/postgres")
hostport=${postgres#*@}
hostport=${hostport%%/*}
credentials=${postgres#*//}
credentials=${credentials%%@*}
export PGHOST=${hostport%:*} PGPORT=${hostport#*:} PGUSER=${credentials%%:*} PGPASSWORD=${credentials#*:} PGDATABASE=postgres

"$load/limits.sh" "$out/limits.json"

# Starts a server on the database URL $1 and waits for its token.
start() {
  MUSTER_RATE_LIMIT=0 target/release/muster serve --listen 127.0.0.1:8099 --database-url "$1" \
    >"$work/printed" 2>"$work/log" &
  server=$!
  until token=$(grep -o 'muster_scim_[A-Za-z0-9_-]*' "$work/printed"); do kill -0 "$server"; done
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
  SERVER_PID=$server LABEL=$database "$load/bench.sh" http://127.0.0.1:8099/scim/v2 "$token" "$out/$database.json" "1000,$size"
  # Groups with one member: every request takes a revision.
  user=$(curl -s "http://127.0.0.1:8099/scim/v2/Users?count=1&attributes=id" -H "Authorization: Bearer $token" |
    sed 's/.*"id":"\([^"]*\)".*/\1/')
  seq 200000 | sed "s/.*/{\"displayName\":\"revision &\",\"members\":[{\"value\":\"$user\"}]}/" >"$work/groups"
  "$BENCH_TARGET_DIR/release/scimbench" raw-post http://127.0.0.1:8099/scim/v2/Groups "$work/groups" 16 "$DUR" "$token" \
    >"$out/$database-revision.json"
  kill "$server"
  wait "$server"
  server=
done
