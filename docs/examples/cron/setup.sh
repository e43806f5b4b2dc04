#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Sets the job up, and again after a change. Fill in the values in crontab. Then root runs
#   bash setup.sh
# in a copy of this folder. It creates a user for the job, and a passphrase unless there is one.

set -euo pipefail
cd "$(dirname "$0")"
root=${DESTDIR:-}
place=$root/etc/dataforest-rotation
name=dataforest-rotation

value() { sed -n "s/^$1=//p" crontab; }

ansible=$(value ANSIBLE)
secrets=$(value SECRETS)
state=$(value STATE)

if ! [ -x "$ansible/ansible-playbook" ]; then
  echo "There is no ansible-playbook in $ansible. Fill in ANSIBLE in crontab." >&2
  exit 1
fi
if ! [ -e "$secrets/ncloud" ]; then
  echo "There is no file $secrets/ncloud. Write the keys of NAVER Cloud into it, as in ~/.ncloud/configure." >&2
  exit 1
fi
id -u "$name" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$name"

install -d -m 0755 "$place" "$root/etc/cron.d"
install -d -m 0700 "$state"
install -m 0644 crontab rotate.sh rotate.yml store.yml "$place"
if ! [ -e "$secrets/passphrase" ]; then
  (umask 077 && head -c 32 /dev/urandom | base64 >"$secrets/passphrase")
  echo "$secrets/passphrase is new. Keep a copy of it where the backups of this machine are not."
fi
chmod 0700 "$secrets"
chmod 0400 "$secrets/passphrase" "$secrets/ncloud"
chown "$name:" "$secrets" "$secrets/passphrase" "$secrets/ncloud" "$state"

# Last, because cron runs it from now on.
install -m 0644 crontab "$root/etc/cron.d/$name"
echo "For the first run: sudo -u $name bash $place/rotate.sh first-run"
