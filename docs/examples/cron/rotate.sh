#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the line in crontab runs. By hand: sudo -u dataforest-rotation bash /etc/dataforest-rotation/rotate.sh WHAT
#   nightly                    rotates what is due, and is silent unless that fails
#   first-run                  also gives a password to accounts that the store does not know
#   2026-11-30T10:00:00+09:00  replaces all passwords that were made before this moment, after an incident

set -euo pipefail
cd "$(dirname "$0")"
umask 077

value() { sed -n "s/^$1=//p" crontab; }

ansible=$(value ANSIBLE)
secrets=$(value SECRETS)
state=$(value STATE)
# cron gives a job next to nothing, and sudo something else.
export PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 HOME=$state/home STATE=$state REPORT=$state/report

patience=1800
case ${1:?} in
  # If a run by hand is at work, the next night is early enough.
  nightly) patience=0 ;;
  first-run) export NEW_ACCOUNTS=rotate ;;
  *) export ROTATED_BEFORE=$1 ;;
esac

if [ -n "$(find "$secrets" -perm /077)" ]; then
  echo "Others can read $secrets or a file in it. Nothing was done. Run setup.sh again." >&2
  exit 78
fi

# One run at a time. The lock ends with the last process of a run, whatever becomes of it.
exec 9>>"$state/rotation.lock"
if ! flock --wait "$patience" 9; then
  echo "Another run is at work, so this one ($1) has done nothing. Start it again later." >&2
  exit 75
fi

# The playbook looks for the keys where they usually are. The home folder is a new one in each run.
rm -rf "$HOME"
mkdir -p "$HOME/.ncloud"
ln -s "$secrets/ncloud" "$HOME/.ncloud/configure"

rotate() { "$ansible/ansible-playbook" rotate.yml --vault-password-file "$secrets/passphrase"; }

status=0
if [ "$1" = nightly ]; then
  rotate >"$state/rotation.log" 2>&1 || status=$?
  [ "$status" = 0 ] || cat "$state/rotation.log"
else
  rotate || status=$?
fi
# A run that has failed is not repeated at once. The next one continues where it has stopped.
exit "$status"
