#!/usr/bin/env bash
# Has Muster send mail to a real SMTP server on this machine, aiosmtpd: in clear, by STARTTLS, over TLS; and sees that
# it sends none where it must not.
#
#   scripts/mail.sh [PROGRAM]
#
# PROGRAM is the muster to run, target/debug/muster unless said otherwise. Needs openssl and python3 with venv. What is
# installed, in the version named here, stays in target/third-party.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/debug/muster}")
# shellcheck source=scripts/running.sh
source scripts/running.sh

python_programs mail aiosmtpd==1.4.6
begin mail
echo "aiosmtpd 1.4.6"
# What the mail server says of connections that are given up is of interest only where something failed.
"$tools/mail/bin/python" -W ignore scripts/third-party/mail.py "$program" "$work" 2>"$work/mail.log" ||
  { tail -20 "$work/mail.log" >&2; exit 1; }
