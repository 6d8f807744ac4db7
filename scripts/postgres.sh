#!/usr/bin/env bash
# Throw-away PostgreSQL servers for tests.
#
#   scripts/postgres.sh install              installs the server's programs where they are missing
#   scripts/postgres.sh start [DIRECTORY [SETTING…]]
#                                            starts a server on a free port and prints its URL; started already: the URL
#   scripts/postgres.sh stop [DIRECTORY]     stops it and deletes everything
#   scripts/postgres.sh run PROGRAM [ARG…]   runs one of PostgreSQL's programs as the user a server may run as
#   scripts/postgres.sh user                 prints that user
#
# What it acknowledges outlives its processes but not the machine, which tests cannot tell apart and which halves what a
# fresh database costs; `fsync=on` as a setting makes it durable, for measuring.
#
# A developer's loop:  export MUSTER_TEST_POSTGRES_URL=$(scripts/postgres.sh start)
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/free-port.sh"
default_directory="${TMPDIR:-/tmp}/muster-postgres-$(id -un)"

fail() {
  echo "postgres.sh: $*" >&2
  exit 1
}

# The folder of the newest server's programs; nothing where there is none.
programs() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1 || true)
  if [[ -n $newest && -x $newest/initdb ]]; then
    echo "$newest"
  elif command -v initdb >/dev/null; then
    dirname "$(command -v initdb)"
  fi
}

# PostgreSQL refuses to run as root.
user() {
  if [[ $(id -u) -ne 0 ]]; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

install_programs() {
  [[ -z $(programs) ]] || return 0
  command -v apt-get >/dev/null || fail "no PostgreSQL server found and no apt-get to install it with, install \`initdb\` and \`postgres\` and put them on the PATH"
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || fail "no PostgreSQL server found, install the package \`postgresql\` as root"
    as_root=(sudo)
  fi
  # Only the programs: no server of the machine's own.
  "${as_root[@]}" mkdir -p /etc/postgresql-common
  if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
  [[ -n $(programs) ]] || fail "the package \`postgresql\` is installed and \`initdb\` is still not found"
}

run() {
  local program
  program="$(programs)/$1"
  [[ -x $program ]] || fail "\`$1\` not found, run \`scripts/postgres.sh install\`"
  shift
  # Nobody's own settings play a part.
  export HOME=/nonexistent
  cd /
  if [[ $(id -u) -eq 0 ]]; then
    exec setpriv --reuid="$(user)" --regid="$(id -gn "$(user)")" --init-groups -- "$program" "$@"
  fi
  exec "$program" "$@"
}

start() {
  local directory=$1
  if [[ -f $directory/url ]] && (run pg_ctl status -D "$directory/data") >/dev/null; then
    cat "$directory/url"
    return
  fi
  [[ -n $(programs) ]] || fail "no PostgreSQL server found, run \`scripts/postgres.sh install\`"
  rm -rf "$directory"
  mkdir -p "$directory"
  echo muster >"$directory/password"
  [[ $(id -u) -ne 0 ]] || chown -R "$(user)" "$directory"
  (run initdb -D "$directory/data" --username=muster --pwfile="$directory/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync) >"$directory/initdb.log" 2>&1 || fail "initdb failed: $(cat "$directory/initdb.log")"
  local port options attempt setting
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=1000 -c fsync=off"
    for setting in "${@:2}"; do options+=" -c $setting"; done
    if (run pg_ctl start -w -s -D "$directory/data" -l "$directory/data/server.log" -o "$options") >&2; then
      echo "postgres://muster:muster@127.0.0.1:$port/postgres?sslmode=disable" | tee "$directory/url"
      return
    fi
  done
  fail "the server did not start in $attempt attempts: $(tail -5 "$directory/data/server.log")"
}

stop() {
  local directory=$1
  [[ -d $directory/data ]] || return 0
  (run pg_ctl stop -w -s -m immediate -D "$directory/data") >&2 || true
  rm -rf "$directory"
}

case "${1:-}" in
install) install_programs ;;
start) start "${2:-$default_directory}" "${@:3}" ;;
stop) stop "${2:-$default_directory}" ;;
run) shift && run "$@" ;;
user) user ;;
*)
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
