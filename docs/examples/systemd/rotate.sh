#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What dataforest-rotation@.service runs. The argument is the name of the instance:
#   nightly               rotates what is due
#   first-run             also gives a password to accounts that the store does not know
#   2026-11-30T01:00:00Z  replaces all passwords that were made before this moment, after an incident

set -euo pipefail

patience=1800
case ${1:?} in
  # If a run by hand is at work, the next night is early enough.
  nightly) patience=0 ;;
  first-run) export NEW_ACCOUNTS=rotate ;;
  *) export ROTATED_BEFORE=$1 ;;
esac

# One run at a time. The lock ends with the last process of a run, whatever becomes of it.
exec 9>>"${STATE_DIRECTORY:?}/rotation.lock"
if ! flock --wait "$patience" 9; then
  echo "Another run is at work, so this one ($1) has done nothing. Start it again later." >&2
  exit 75
fi

# The playbook looks for the keys where they usually are. The home folder is a new one in each run.
mkdir "$HOME/.ncloud"
ln -s "${CREDENTIALS_DIRECTORY:?}/ncloud" "$HOME/.ncloud/configure"
export REPORT=$STATE_DIRECTORY/report

exec "${ANSIBLE:?}/ansible-playbook" rotate.yml --vault-password-file "$CREDENTIALS_DIRECTORY/passphrase"
