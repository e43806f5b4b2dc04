#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Lets the job in .gitlab-ci.yml, and no other, log in to OpenBao. Fill in the values there. Then an administrator runs
#   bash openbao.sh
# once, after `bao login` or with BAO_TOKEN set. It can be repeated. With HashiCorp Vault, replace bao by vault here.

set -euo pipefail
cd "$(dirname "$0")"

value() { sed -nE "s/^ *$1: \"?([^\" ]*)\"?( #.*)?$/\1/p" .gitlab-ci.yml; }

BAO_ADDR=$(value BAO_ADDR)
gitlab=$(value GITLAB_URL)
project=$(value PROJECT_ID)
export BAO_ADDR

bao read sys/mounts/secret >/dev/null 2>&1 || bao secrets enable -path=secret -version=2 kv
bao policy write dataforest-rotation policy.hcl

bao read sys/auth/dataforest-gitlab >/dev/null 2>&1 || bao auth enable -path=dataforest-gitlab jwt
bao write auth/dataforest-gitlab/config oidc_discovery_url="$gitlab" bound_issuer="$gitlab"
# Without bound_claims, every job of every project of that GitLab could log in.
bao write auth/dataforest-gitlab/role/rotation - <<END
{
  "role_type": "jwt",
  "user_claim": "sub",
  "bound_audiences": ["$BAO_ADDR"],
  "bound_claims": {
    "project_id": "$project",
    "ref_type": "branch",
    "ref_protected": "true"
  },
  "token_policies": ["dataforest-rotation"],
  "token_ttl": "20m",
  "token_max_ttl": "20m"
}
END
