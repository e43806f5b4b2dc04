#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Lets the agents of the Jenkinsfile log in to OpenBao, and prints a secret ID for them. Fill in the values there. Then
# an administrator runs
#   bash openbao.sh
# after `bao login` or with BAO_TOKEN set, and again every three months: a secret ID lasts for 100 days, and each run
# makes a new one. With HashiCorp Vault: CLI=vault bash openbao.sh

set -euo pipefail
cd "$(dirname "$0")"

cli=${CLI:-bao}

# Prints a value that was filled in, and shows it. An empty one would let others in, or nobody.
value() {
  local found
  found=$(sed -nE "s/^ *$1 = [\"']([^\"']+)[\"'].*/\1/p" Jenkinsfile)
  [ -n "$found" ] || { echo "Jenkinsfile has no value for $1 that this script can read." >&2 && return 1; }
  echo "$1 is $found" >&2
  printf '%s\n' "$found"
}

BAO_ADDR=$(value BAO_ADDR)
agents=$(value AGENTS)
export BAO_ADDR VAULT_ADDR=$BAO_ADDR

"$cli" read sys/mounts/secret >/dev/null 2>&1 || "$cli" secrets enable -path=secret -version=2 kv
"$cli" policy write dataforest-rotation policy.hcl

"$cli" read sys/auth/dataforest-jenkins >/dev/null 2>&1 || "$cli" auth enable -path=dataforest-jenkins approle
# Otherwise the server ends a secret ID after 32 days.
"$cli" auth tune -max-lease-ttl=2400h dataforest-jenkins/
# Jenkins keeps the secret ID. Without the addresses, it would be valid wherever somebody takes it.
"$cli" write auth/dataforest-jenkins/role/rotation \
  secret_id_ttl=2400h \
  secret_id_bound_cidrs="$agents" \
  token_bound_cidrs="$agents" \
  token_policies=dataforest-rotation \
  token_ttl=20m \
  token_max_ttl=20m

echo "Save this in Jenkins as the credential dataforest-openbao, of the kind 'Username with password':"
echo "username $("$cli" read -field=role_id auth/dataforest-jenkins/role/rotation/role-id)"
echo "password $("$cli" write -force -field=secret_id auth/dataforest-jenkins/role/rotation/secret-id)"
