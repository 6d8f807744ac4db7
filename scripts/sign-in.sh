#!/usr/bin/env bash
# Signs in to the console by real identity providers: npm oidc-provider, certified for OpenID Connect, in Chromium, and
# canaille. Both run on this machine. With scripts/browser.sh it is what drives the console in a browser: signing in by a
# link, and everything after, is there.
#
#   scripts/sign-in.sh [PROGRAM] [PICTURES]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise. Needs Chromium, Node.js and python3 with venv;
# scripts/browser.sh installs the first two. What is installed, in the versions named here, stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
pictures=$(realpath -m "${2:-target/console}")
here=$PWD
# shellcheck source=scripts/running.sh
source scripts/running.sh

node_programs browser playwright-core@1.65.1 axe-core@4.14.1
node_programs oidc-provider oidc-provider@9.13.3
python_programs canaille-sign-in 'canaille[oidc,sqlite,front,server]==0.3.6' sqlalchemy==2.0.58
begin sign-in
export MUSTER_OUTBOUND_NETWORKS=127.0.0.0/8
serve
admin=$("$program" token issue --kind admin)
scim=$("$program" token issue --kind scim --connection default)
curl --silent --fail --output /dev/null --header "Authorization: Bearer $scim" --header 'Content-Type: application/scim+json' \
  --data '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com","externalId":"subject-of-ana"}' \
  "$muster/scim/v2/Users"

echo "oidc-provider 9.13.3"
mkdir -p "$pictures"
(cd "$tools/browser" && node "$here/scripts/browser/sign-in.mjs" "$muster" "$admin" "$tools/oidc-provider" "$(free_port)" "$pictures") 2>"$work/provider.log" ||
  { tail -20 "$work/provider.log" >&2; tail -5 "$work/log" >&2; exit 1; }

echo "canaille 0.3.6"
curl --silent --fail --output /dev/null --header "Authorization: Bearer $scim" --header 'Content-Type: application/scim+json' \
  --data '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}' "$muster/scim/v2/Users"
"$tools/canaille-sign-in/bin/python" -W ignore scripts/third-party/canaille_sign_in.py "$muster" "$admin" "$work" "$(free_port)" \
  2>"$work/canaille.log" || { tail -20 "$work/canaille.log" >&2; tail -5 "$work/log" >&2; exit 1; }
