#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sets the timer up, and again after a change. Fill in the values in dataforest-rotation@.service. Then root runs
#   bash setup.sh
# in a copy of this folder. It creates a user for the service, and a passphrase unless there is one.

set -euo pipefail
cd "$(dirname "$0")"
root=${DESTDIR:-}
place=$root/etc/dataforest-rotation
units=$root/etc/systemd/system
name=dataforest-rotation

value() { sed -n "s/^$1//p" "$name@.service"; }

ansible=$(value Environment=ANSIBLE=)
passphrase=$(value 'LoadCredential[A-Za-z]*=passphrase:')
ncloud=$(value 'LoadCredential[A-Za-z]*=ncloud:')

if ! [ -x "$ansible/ansible-playbook" ]; then
  echo "There is no ansible-playbook in $ansible. Fill in ANSIBLE in $name@.service." >&2
  exit 1
fi
if ! [ -e "$passphrase" ] && grep -q '^LoadCredentialEncrypted=passphrase:' "$name@.service"; then
  echo "There is no file $passphrase. Create it with systemd-creds encrypt." >&2
  exit 1
fi
if ! [ -e "$ncloud" ]; then
  echo "There is no file $ncloud. Write the keys of NAVER Cloud into it, as in ~/.ncloud/configure." >&2
  exit 1
fi
id -u "$name" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$name"

install -d -m 0755 "$place" "$units"
install -m 0644 rotate.sh rotate.yml store.yml "$place"
install -m 0644 "$name@.service" "$name.timer" "$name-mail@.service" "$units"
if ! [ -e "$passphrase" ]; then
  (umask 077 && head -c 32 /dev/urandom | base64 >"$passphrase")
  echo "$passphrase is new. Keep a copy of it where the backups of this machine are not."
fi
chmod 0600 "$passphrase" "$ncloud"

systemctl daemon-reload
systemctl enable --now "$name.timer"
echo "For the first run: systemctl start $name@first-run"
