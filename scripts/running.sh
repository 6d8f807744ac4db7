# Sourced by scripts that run Muster together with programs of others, from the top of the repository. What is installed
# stays in target/third-party; what is started ends with the script, and its files go. `$program` is the muster to run.
# shellcheck shell=bash

source scripts/free-port.sh

tools=$PWD/target/third-party
running=()
mkdir -p "$tools"

# begin NAME: a folder for this run, `$work`.
begin() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/muster-$1.XXXXXX")
  trap finish EXIT
}

finish() {
  local status=$? pid
  trap - EXIT
  for pid in "${running[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$status"
}

# installed STAMP WANTED: whether this is there already.
installed() {
  [[ -e $1 && $(cat "$1") == "$2" ]]
}

# python_programs NAME PACKAGE…: by pip, in an environment of its own. Its programs name the folder they stand in, so one
# that was moved is made anew.
python_programs() {
  local name=$1
  shift
  local what="$tools/$name: $*"
  installed "$tools/$name.installed" "$what" && return
  rm -rf "${tools:?}/$name"
  python3 -m venv "$tools/$name"
  "$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
  echo "$what" >"$tools/$name.installed"
}

# node_programs NAME PACKAGE…: by npm, in a folder of its own. No browser comes along: the machine has one.
node_programs() {
  local name=$1
  shift
  installed "$tools/$name/installed" "$*" && return
  mkdir -p "$tools/$name"
  (cd "$tools/$name" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --prefix "$PWD" "$@")
  echo "$*" >"$tools/$name/installed"
}

# answers URL [OPTION…]: waits until somebody does. The options are for curl.
answers() {
  for _ in $(seq 600); do
    curl --silent --output /dev/null "$@" && return
    sleep 0.1
  done
  echo "nothing answers at $1" >&2
  return 1
}

# serve: Muster on an empty database; `$muster` is where, `$token` the SCIM token it printed. Its log is `$work/log`.
serve() {
  export MUSTER_DATABASE_URL=sqlite:$work/muster.db MUSTER_RATE_LIMIT=0
  touch "$work/first"
  (cd "$work" && exec "$program" serve --listen 127.0.0.1:0 >first 2>log) &
  running+=($!)
  muster=
  while [[ -z $muster ]]; do
    kill -0 "${running[-1]}" 2>/dev/null || { cat "$work/log" >&2; return 1; }
    sleep 0.1
    muster=$(sed -n 's|^SCIM base URL: \(.*\)/scim/v2$|\1|p' "$work/first")
  done
  answers "$muster/readyz" --fail
  token=$(sed -n 's/^SCIM token: //p' "$work/first")
}

# organization NAME [PROFILE]: makes one with a connection of that name; prints the connection's token.
organization() {
  "$program" org create "$1" >/dev/null
  "$program" connection create --org "$1" "$1" ${2:+--profile "$2"} >/dev/null
  "$program" token issue --org "$1" --kind scim --connection "$1"
}

# serve_scim2 PYTHON: scim2-server, with the token `peer`; `$peer` is where. Its log is `$work/scim2.log`.
serve_scim2() {
  local port
  port=$(free_port)
  peer=http://127.0.0.1:$port/v2
  "$1" scripts/peers/oracle.py "$port" peer scripts/peers/configuration.json >"$work/scim2.log" 2>&1 &
  running+=($!)
  answers "$peer/ServiceProviderConfig"
}
