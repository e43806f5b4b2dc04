#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Lets the job in .github/workflows/dataforest.yml, and no other, log in to OpenBao. Fill in the values there. Then an
# administrator runs
#   bash openbao.sh
# once, after `bao login` or with BAO_TOKEN set. It can be repeated. With HashiCorp Vault: CLI=vault bash openbao.sh
# With GitHub Enterprise Server, set ISSUER to https://HOST/_services/token.

set -euo pipefail
cd "$(dirname "$0")"

cli=${CLI:-bao}

# Prints a value that was filled in, and shows it. An empty one would let others in, or nobody.
value() {
  local found
  found=$(sed -nE "s/^ *$1:[[:space:]]+[\"']?([^\"'[:space:]]+)[\"']?[[:space:]]*(#.*)?$/\1/p" .github/workflows/dataforest.yml)
  [ -n "$found" ] || { echo ".github/workflows/dataforest.yml has no value for $1 that this script can read." >&2 && return 1; }
  echo "$1 is $found" >&2
  printf '%s\n' "$found"
}

BAO_ADDR=$(value BAO_ADDR)
repository=$(value REPOSITORY_ID)
[ "$repository" != 1234 ] || { echo "Fill in REPOSITORY_ID. 1234 is only an example." >&2 && exit 1; }
branch=$(value BRANCH)
issuer=${ISSUER:-https://token.actions.githubusercontent.com}
export BAO_ADDR VAULT_ADDR=$BAO_ADDR

"$cli" read sys/mounts/secret >/dev/null 2>&1 || "$cli" secrets enable -path=secret -version=2 kv
"$cli" policy write dataforest-rotation policy.hcl

"$cli" read sys/auth/dataforest-github >/dev/null 2>&1 || "$cli" auth enable -path=dataforest-github jwt
"$cli" write auth/dataforest-github/config oidc_discovery_url="$issuer" bound_issuer="$issuer"
# Without bound_claims, every job of every repository on GitHub could log in.
"$cli" write auth/dataforest-github/role/rotation - <<END
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["$BAO_ADDR"],
  "bound_claims": {
    "repository_id": "$repository",
    "ref": "refs/heads/$branch",
    "environment": "dataforest",
    "event_name": ["schedule", "workflow_dispatch"]
  },
  "token_policies": ["dataforest-rotation"],
  "token_ttl": "20m",
  "token_max_ttl": "20m"
}
END
