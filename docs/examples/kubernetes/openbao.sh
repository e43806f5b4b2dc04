#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Lets the job in cronjob.yaml, and no other, log in to OpenBao. Fill in the values in kustomization.yaml. Then an
# administrator runs
#   bash openbao.sh
# once, after `bao login` or with BAO_TOKEN set. It can be repeated. With HashiCorp Vault: CLI=vault bash openbao.sh
#
# OpenBao must reach the issuer without a login. If the issuer is the API server, allow that with
#   kubectl create clusterrolebinding dataforest-issuer \
#     --clusterrole=system:service-account-issuer-discovery --group=system:unauthenticated
# and set ISSUER_CA to a file with the certificate authority of the cluster.

set -euo pipefail
cd "$(dirname "$0")"

cli=${CLI:-bao}

# Prints a value that was filled in, and shows it. An empty one would let others in, or nobody.
value() {
  local found
  found=$(sed -nE "s/^ *(- )?[\"']?$1[:=][[:space:]]*[\"']?([^\"'[:space:]]+)[\"']?[[:space:]]*(#.*)?$/\2/p" kustomization.yaml)
  [ -n "$found" ] || { echo "kustomization.yaml has no value for $1 that this script can read." >&2 && return 1; }
  echo "$1 is $found" >&2
  printf '%s\n' "$found"
}

namespace=$(value namespace)
BAO_ADDR=$(value BAO_ADDR)
issuer=$(value ISSUER)
export BAO_ADDR VAULT_ADDR=$BAO_ADDR
trust=()
[ -z "${ISSUER_CA:-}" ] || trust=(oidc_discovery_ca_pem=@"$ISSUER_CA")

"$cli" read sys/mounts/secret >/dev/null 2>&1 || "$cli" secrets enable -path=secret -version=2 kv
"$cli" policy write dataforest-rotation policy.hcl

"$cli" read sys/auth/dataforest-kubernetes >/dev/null 2>&1 || "$cli" auth enable -path=dataforest-kubernetes jwt
"$cli" write auth/dataforest-kubernetes/config oidc_discovery_url="$issuer" bound_issuer="$issuer" \
  ${trust[@]+"${trust[@]}"}
# Without the subject, every pod of the cluster could log in.
"$cli" write auth/dataforest-kubernetes/role/rotation - <<END
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["openbao"],
  "bound_subject": "system:serviceaccount:$namespace:dataforest-rotation",
  "token_policies": ["dataforest-rotation"],
  "token_ttl": "20m",
  "token_max_ttl": "20m"
}
END
