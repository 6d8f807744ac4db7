#!/usr/bin/env bash
# Measures decisions and their limit on this machine in one run and prints the table of docs/performance.md.
#
#   scripts/performance-access.sh LOAD OUT
#
# LOAD: the folder of the load tool, with scimbench and actixhello. OUT: where the results go, one JSON line a measure, and
# access.md. Needs python3. Run it on a quiet machine; beside the build it takes about six minutes.
# DUR is the seconds a measure (3), USERS the population asked about (10000), ASSIGNMENTS how many there are (5000). PROGRAM
# is a muster that is built already; NO_BENCHES=1 leaves out what cargo bench measures.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: scripts/performance-access.sh LOAD OUT"
load=$(cd "${1:?$usage}" && pwd)
mkdir -p "${2:?$usage}"
out=$(cd "$2" && pwd)
seconds=${DUR:-3}
tools=${BENCH_TARGET_DIR:-$out/target}
if [[ -z ${PROGRAM:-} ]]; then
  cargo build --profile dist --locked --bin muster
  PROGRAM=target/dist/muster
fi
for crate in scimbench actixhello; do
  CARGO_TARGET_DIR=$tools cargo build --release -q --locked --manifest-path "$load/$crate/Cargo.toml"
done
if [[ -z ${NO_BENCHES:-} ]]; then
  cargo bench -q --bench access -- --measurement-time 3 --warm-up-time 1
  cargo bench -q --bench graph_load | tee "$out/graph_load.json"
fi

work=$(mktemp -d)
server= limit=
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  [[ -z $limit ]] || kill "$limit" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MUSTER_DATABASE_URL=sqlite:$work/muster.db

# Starts a server, with the flags given, and waits until it answers.
start() {
  MUSTER_RATE_LIMIT=0 "$PROGRAM" serve --listen "127.0.0.1:$port" "$@" >>"$work/printed" 2>>"$work/log" &
  server=$!
  until curl -fs "http://127.0.0.1:$port/readyz" >/dev/null; do
    kill -0 "$server"
    sleep 0.1
  done
}
stop() {
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
}
# Posts the lines of a file by 16 clients; one JSON line under the name $1.
ask() {
  "$tools/release/scimbench" raw-post "$2" "$work/$3" 16 "$seconds" "$token" |
    sed "s/^{/{\"m\":\"$1\",/" | tee -a "$out/access.json"
}
# Limit, measure, limit: what the machine can do is known right before and right after.
measure() {
  ask "limit_before_$1" http://127.0.0.1:9100/evaluation single
  ask "$1" "http://127.0.0.1:$port/access/v1/$2" "$3"
  ask "limit_after_$1" http://127.0.0.1:9100/evaluation single
}

: >"$out/access.json"
"$tools/release/actixhello" &
limit=$!
start
scim=$(grep -o 'muster_scim_[A-Za-z0-9_-]*' "$work/printed" | head -1)
admin=$("$PROGRAM" token issue --kind admin)
token=$("$PROGRAM" token issue --kind pep)
python3 scripts/performance/access.py "http://127.0.0.1:$port" "$scim" "$admin" "$work" \
  "${USERS:-10000}" "${ASSIGNMENTS:-5000}" | tee -a "$out/access.json"
measure log_on evaluation single
measure batch evaluations batch
stop
start --without-decision-log
measure log_off evaluation single
stop
start
python3 scripts/performance/access.py "http://127.0.0.1:$port" "$scim" "$admin" --guardrails
measure guardrails evaluation single
stop
python3 scripts/performance/access_table.py "$out" target/criterion | tee "$out/access.md"
