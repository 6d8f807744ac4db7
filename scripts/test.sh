#!/usr/bin/env bash
# Checks everything: formatting, lints, documentation, dependencies, and all tests on both databases.
#
#   scripts/test.sh          as continuous integration runs it
#   scripts/test.sh --long   with the long counts of the property tests and the crash tests
#
# Needs a Rust toolchain and a C compiler, and installs what else is missing: PostgreSQL's programs (apt-get), cargo-deny
# and cargo-nextest (cargo), tools for SCIM servers (pip, into a Python venv), and Chromium with what drives it
# (apt-get, npm). A missing part is an error; nothing is left out.
# MUSTER_TEST_SEED repeats a run: it is printed at the start and seeds every random choice.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

step() {
  echo
  echo "== $* ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
}

case "${1:-}" in
"") ;;
--long)
  export MUSTER_TEST_LONG=1
  export PROPTEST_CASES="${PROPTEST_CASES:-4096}"
  ;;
*) usage ;;
esac
[[ $# -le 1 ]] || usage

export MUSTER_TEST_SEED="${MUSTER_TEST_SEED:-$((RANDOM << 15 | RANDOM))}"
export PROPTEST_RNG_SEED="$MUSTER_TEST_SEED"
echo "MUSTER_TEST_SEED=$MUSTER_TEST_SEED"

# Where nobody watches, only what goes wrong is printed.
[[ -t 1 ]] || export CARGO_TERM_QUIET=true

step "tools"
command -v cargo >/dev/null || { echo "test.sh: no Rust toolchain found, install it from https://rustup.rs" >&2; exit 1; }
command -v cc >/dev/null || { echo "test.sh: no C compiler found, install the package \`gcc\`" >&2; exit 1; }
scripts/postgres.sh install
cargo deny --version 2>/dev/null || cargo install --quiet --locked cargo-deny --version 0.20.2
cargo nextest --version 2>/dev/null || cargo install --quiet --locked cargo-nextest --version 0.9.143

# Where what is temporary goes: into memory where there is plenty, which saves a third of the tests' time.
folder() {
  local plenty=$((12 * 1024 * 1024)) memory=/dev/shm
  if [[ -z ${TMPDIR:-} && -w $memory && $(stat -f -c %T $memory) = tmpfs ]] &&
    (($(df --output=avail -k $memory | tail -1) > plenty && $(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) > plenty)); then
    echo $memory
  else
    echo "${TMPDIR:-/tmp}"
  fi
}

# Everything temporary stands under one folder, so that whatever happens nothing stays behind, no server and no file.
run=$(mktemp -d "$(folder)/muster-test.XXXXXX")
chmod 755 "$run"
mkdir -m 1777 "$run/tmp"
clean_up() {
  local status=$? pid_file
  trap - EXIT
  [[ -z ${beside:-} ]] || kill "$beside" 2>/dev/null || true
  while IFS= read -r pid_file; do
    kill -CONT "$(head -1 "$pid_file")" 2>/dev/null || true
    kill -QUIT "$(head -1 "$pid_file")" 2>/dev/null || true
  done < <(find "$run/tmp" -name postmaster.pid 2>/dev/null)
  scripts/postgres.sh stop "$run/postgres"
  rm -rf "$run"
  [[ $status -eq 0 ]] || echo "test.sh: FAILED after $((SECONDS / 60)) min $((SECONDS % 60)) s, MUSTER_TEST_SEED=$MUSTER_TEST_SEED" >&2
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

step "dependencies"
cargo deny --all-features --locked check licenses bans sources

step "PostgreSQL"
MUSTER_TEST_POSTGRES_URL=$(scripts/postgres.sh start "$run/postgres")
export MUSTER_TEST_POSTGRES_URL
echo "$MUSTER_TEST_POSTGRES_URL"

step "tests are built"
cargo nextest run --workspace --all-targets --locked --no-run
# Each test copies a migrated database, which is sooner done than migrating one.
export MUSTER_TEST_POSTGRES_TEMPLATE=migrated
scripts/postgres.sh run psql -q -c "CREATE DATABASE $MUSTER_TEST_POSTGRES_TEMPLATE" "$MUSTER_TEST_POSTGRES_URL"
target/debug/muster migrate --database-url "${MUSTER_TEST_POSTGRES_URL/\/postgres?//$MUSTER_TEST_POSTGRES_TEMPLATE?}"

step "tests, and each benchmark once"
# Everything runs, ignored or not, so the count of what does not is always 0 and says nothing.
TMPDIR="$run/tmp" cargo nextest run --workspace --all-targets --locked --run-ignored all 2>&1 | sed -u 's/, 0 skipped$//'

# From here on with the program that the tests were run with. Both wait more than they work, so they go side by side.
step "the console, looked at with a browser, beside what others test SCIM servers with"
TMPDIR="$run/tmp" scripts/third-party.sh target/debug/muster >"$run/third-party" 2>&1 &
beside=$!
status=0
TMPDIR="$run/tmp" scripts/browser.sh target/debug/muster || status=$?
wait "$beside" || status=$?
cat "$run/third-party"
[[ $status -eq 0 ]] || exit "$status"

step "signing in by identity providers"
TMPDIR="$run/tmp" scripts/sign-in.sh target/debug/muster

step "mail over a real SMTP server"
TMPDIR="$run/tmp" scripts/mail.sh target/debug/muster

step "examples in the documentation"
TMPDIR="$run/tmp" cargo test --workspace --doc --locked

step "done"
echo "everything passed, MUSTER_TEST_SEED=$MUSTER_TEST_SEED"
