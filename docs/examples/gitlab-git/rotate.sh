#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rotates passwords whose store, a file of Ansible Vault, is kept in git. The job in .gitlab-ci.yml runs it. Its arguments
# go to ansible-playbook, which runs push.sh each time it has saved the store. It exits with 0 only if the playbook did,
# and if no other branch holds passwords.

set -uo pipefail
branch=${CI_COMMIT_BRANCH:?}
passphrase=${DATAFOREST_PASSPHRASE:?}
export ROTATION_REMOTE=${PUSH_URL:-"$CI_SERVER_PROTOCOL://oauth2@$CI_SERVER_HOST:$CI_SERVER_PORT/$CI_PROJECT_PATH.git"}

export GIT_AUTHOR_NAME=${COMMIT_NAME:?} GIT_AUTHOR_EMAIL=${COMMIT_MAIL:?}
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
# git gets the token from its environment: in a URL it would be in the list of processes and in error messages.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0=
# shellcheck disable=SC2016 # git's shell is to expand it
export GIT_CONFIG_KEY_1=credential.helper GIT_CONFIG_VALUE_1='!printf "password=%s\n" "$PUSH_TOKEN"; :'

# Prints a paragraph, each argument on a line of its own.
say() { printf '\n' >&2 && printf '%s\n' "$@" >&2; }

fetch() {
  # A runner fetches only the latest commits. If the branch is rewritten meanwhile, a new branch with only those cannot be
  # pushed.
  local all=()
  [ "$(git rev-parse --is-shallow-repository)" = false ] || all=(--unshallow)
  git fetch --quiet "${all[@]}" "$ROTATION_REMOTE" "+refs/heads/$branch:refs/rotation/head"
}

# Not the commit of the pipeline: when a job is retried, the passwords in that one are dead.
check_out() {
  git checkout --quiet --force --detach refs/rotation/head &&
    git update-ref -d refs/rotation/aside && ROTATION_BEGIN=$(git rev-parse HEAD) && export ROTATION_BEGIN
}

main() {
  local failed=0 report waiting

  if ! fetch || ! check_out; then
    say "The head of $branch could not be fetched. No password was changed."
    return 1
  fi

  # What push.sh says at length. Ansible shows one sentence of it.
  report=$(git rev-parse --git-path rotation-report) && : >"$report"
  ansible-playbook rotate.yml --vault-password-file "$passphrase" "$@" || failed=$?
  cat "$report" >&2

  waiting=$(git ls-remote --heads "$ROTATION_REMOTE" 'refs/heads/rotation/*' | sed 's,.*refs/heads/,,') || failed=1
  if [ -n "$waiting" ]; then
    failed=1
    say "These branches hold passwords that $branch lacks:" "$waiting" \
      "Start a pipeline with ROTATED_BEFORE set to the present moment, which gives every account a new password. It still" \
      "fails because of these branches. When it has rotated every account, delete them." \
      "See 'GitLab CI, with a file in git' in the guide."
  fi
  return "$failed"
}

# In one line, because git replaces this very file.
main "$@"; exit
