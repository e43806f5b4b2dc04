#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rotates passwords whose store, a file of Ansible Vault, is kept in git. Run by the job in gitlab-ci.yml. Arguments are
# handed to ansible-playbook. Ends with 0 only if the playbook did, and if the branch has the store.
#
# A store that has changed on both sides is never merged: each side holds passwords that the other one lacks.

set -uo pipefail
store=dataforest.yml
branch=${CI_COMMIT_BRANCH:?}
aside=rotation/${CI_PIPELINE_ID:?}
job=${CI_JOB_ID:?}
passphrase=${DATAFOREST_PASSPHRASE:?}
remote=${PUSH_URL:-"$CI_SERVER_PROTOCOL://oauth2@$CI_SERVER_HOST:$CI_SERVER_PORT/$CI_PROJECT_PATH.git"}

export GIT_AUTHOR_NAME=rotation GIT_AUTHOR_EMAIL=ops@example.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
# The token goes to git by its environment: in a URL it would stand in the list of processes and in error messages.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0=
# shellcheck disable=SC2016 # git's shell is to expand it
export GIT_CONFIG_KEY_1=credential.helper GIT_CONFIG_VALUE_1='!printf "password=%s\n" "$PUSH_TOKEN"; :'

say() { printf '\n%s\n' "$@" >&2; }

fetch() {
  # A runner fetches the latest commits only. Were the branch rewritten meanwhile, a new branch with those could not be
  # pushed.
  local all=()
  [ "$(git rev-parse --is-shallow-repository)" = false ] || all=(--unshallow)
  git fetch --quiet "${all[@]}" "$remote" "+refs/heads/$branch:refs/rotation/head"
}

# Lists the commits between two that change the store; of a merge, what it changes on the branch that it is made on.
changes() {
  git rev-list --no-merges --full-history "$1..$2" -- "$store" && git rev-list --first-parent "$1..$2" -- "$store"
}

# Brings the commit to the branch. Fails if somebody else has changed the store, or if it cannot be pushed.
to_branch() {
  local attempt base others
  for attempt in 1 2 3 4 5 6 7 8; do
    git push --quiet "$remote" "HEAD:refs/heads/$branch" && return
    sleep "$attempt"
    fetch || continue
    # It had arrived, and only the answer was lost.
    git merge-base --is-ancestor HEAD refs/rotation/head && return
    base=$(git rev-parse HEAD^) || return
    git merge-base --is-ancestor "$base" refs/rotation/head || return
    others=$(changes "$base" refs/rotation/head) || return
    [ -z "$others" ] || return
    git rebase --quiet --onto refs/rotation/head "$base" || { git rebase --abort; return 1; }
  done
  return 1
}

# Brings it to a branch of its own.
to_aside() {
  local attempt name
  for attempt in 1 2 3 4 5; do
    for name in "$aside" "$aside-$job"; do
      git push --quiet "$remote" "HEAD:refs/heads/$name" && return
    done
    sleep "$attempt"
  done
  return 1
}

# Commits what the playbook has written, and pushes it somewhere.
save() {
  [ -e "$store" ] || return 0
  git add -- "$store" || return
  if ! git diff --cached --quiet; then
    git commit --quiet --message "Rotate Data Forest passwords" && { to_branch || to_aside; }
  fi
}

main() {
  local failed=0 waiting

  # Whatever cannot work is found before any password is changed.
  # Not the commit of the pipeline: when a job is retried, the passwords in that one are dead.
  if ! fetch || ! git checkout --quiet --force --detach refs/rotation/head; then
    say "The head of $branch could not be fetched. No password was changed."
    return 1
  fi
  if git check-ignore --quiet "$store"; then
    say "$store is ignored by git: take it out of .gitignore. No password was changed."
    return 1
  fi
  if ! git push --quiet --dry-run "$remote" "HEAD:refs/heads/$aside-$job"; then
    say "Nothing can be pushed: PUSH_TOKEN has to be a token that may. No password was changed."
    return 1
  fi

  ansible-playbook rotate.yml --vault-password-file "$passphrase" "$@" || failed=$?

  if ! save; then
    failed=1
    say "Nothing could be pushed. The only copy of the new passwords is $store in the artifacts of this job:" \
      "download it now, and push it as the branch $aside."
  fi

  waiting=$(git ls-remote --heads "$remote" 'refs/heads/rotation/*') || failed=1
  if [ -n "$waiting" ]; then
    failed=1
    say "These branches hold passwords that $branch lacks:" "$waiting" \
      "Bring them together as the guide says, under 'GitLab CI, with a file in git', and delete them."
  fi
  return "$failed"
}

# In one line, since git replaces this very file.
main "$@"; exit
