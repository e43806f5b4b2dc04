#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Rotates passwords whose store, a file of Ansible Vault, is kept in git. The job in gitlab-ci.yml runs it. Its arguments
# go to ansible-playbook. It exits with 0 only if the playbook did, and if the branch has the store.
#
# If both sides have changed the store, they are never merged: each side holds passwords that the other one lacks.

set -uo pipefail
store=dataforest.yml
branch=${CI_COMMIT_BRANCH:?}
aside=rotation/${CI_PIPELINE_ID:?}
probe=rotation/probe
title="Rotate Data Forest passwords"
job=${CI_JOB_ID:?}
passphrase=${DATAFOREST_PASSPHRASE:?}
remote=${PUSH_URL:-"$CI_SERVER_PROTOCOL://oauth2@$CI_SERVER_HOST:$CI_SERVER_PORT/$CI_PROJECT_PATH.git"}

export GIT_AUTHOR_NAME=rotation GIT_AUTHOR_EMAIL=ops@example.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
# git gets the token from its environment: in a URL it would be in the list of processes and in error messages.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0=
# shellcheck disable=SC2016 # git's shell is to expand it
export GIT_CONFIG_KEY_1=credential.helper GIT_CONFIG_VALUE_1='!printf "password=%s\n" "$PUSH_TOKEN"; :'

# Prints a paragraph, each argument on a line of its own.
say() { printf '\n' >&2 && printf '%s\n' "$@" >&2; }

# What git said last. It is shown after the message that explains it.
said=

fetch() {
  # A runner fetches only the latest commits. If the branch is rewritten meanwhile, a new branch with only those cannot be
  # pushed.
  local all=()
  [ "$(git rev-parse --is-shallow-repository)" = false ] || all=(--unshallow)
  git fetch --quiet "${all[@]}" "$remote" "+refs/heads/$branch:refs/rotation/head"
}

# Not the commit of the pipeline: when a job is retried, the passwords in that one are dead.
check_out() { git checkout --quiet --force --detach refs/rotation/head; }

# Pushes a commit like that of a rotation to a branch that is deleted at once. A dry run would not ask the hooks and the
# push rules of the server.
try_to_push() {
  echo >>"$store" && git add -- "$store" && git commit --quiet --message "$title" --message "[skip ci]" &&
    git push --quiet --force "$remote" "HEAD:refs/heads/$probe" && git push --quiet "$remote" ":refs/heads/$probe"
}

# Lists the commits between two that change the store. A merge counts if it changes the store of its first parent.
changes() {
  git rev-list --no-merges --full-history "$1..$2" -- "$store" && git rev-list --first-parent "$1..$2" -- "$store"
}

# Brings the commit to the branch. If it cannot, and the reason is not the push itself, sets $why.
to_branch() {
  local attempt base others
  base=$(git rev-parse HEAD^) || return
  for attempt in 1 2 3 4 5 6 7 8; do
    said=$(git push --quiet "$remote" "HEAD:refs/heads/$branch" 2>&1) && return
    sleep "$attempt"
    fetch || continue
    # It had arrived, and only the answer was lost.
    git merge-base --is-ancestor HEAD refs/rotation/head && return
    if ! git merge-base --is-ancestor "$base" refs/rotation/head; then
      why="Somebody else has rewritten $branch while this job ran."
      return 1
    fi
    others=$(changes "$base" refs/rotation/head) || return
    if [ -n "$others" ]; then
      why="Somebody else has changed $store on $branch while this job ran."
      return 1
    fi
    git rebase --quiet --onto refs/rotation/head "$base" || { git rebase --abort; return 1; }
    base=$(git rev-parse HEAD^) || return
  done
  return 1
}

# Brings it to a branch of its own.
to_aside() {
  local attempt name
  for attempt in 1 2 3 4 5; do
    for name in "$aside" "$aside-$job"; do
      if said=$(git push --quiet "$remote" "HEAD:refs/heads/$name" 2>&1); then
        say "The store of this job is now on the branch $name."
        return
      fi
    done
    sleep "$attempt"
  done
  return 1
}

# Commits what the playbook has written, and pushes it somewhere.
save() {
  local why="The new passwords could not be pushed to $branch."
  [ -e "$store" ] || return 0
  git add -- "$store" || return
  ! git diff --cached --quiet || return 0
  git commit --quiet --message "$title" || return
  to_branch && return
  say "$why" "$said"
  to_aside
}

main() {
  local failed=0 waiting

  # Whatever cannot work is found before any password is changed.
  if ! fetch || ! check_out; then
    say "The head of $branch could not be fetched. No password was changed."
    return 1
  fi
  if git check-ignore --quiet "$store"; then
    say "git ignores $store. No password was changed. Remove it from .gitignore."
    return 1
  fi
  if ! said=$(try_to_push 2>&1); then
    check_out
    say "The trial push to the branch $probe failed. No password was changed." \
      "PUSH_TOKEN must be allowed to push and to delete branches under rotation/. The push rules and hooks of the server" \
      "must accept commits by $GIT_AUTHOR_NAME <$GIT_AUTHOR_EMAIL> that change $store. git says:" "$said"
    return 1
  fi
  check_out || return

  ansible-playbook rotate.yml --vault-password-file "$passphrase" "$@" || failed=$?

  if ! save; then
    failed=1
    say "Nothing could be pushed. The only copy of the new passwords is $store in the artifacts of this job." \
      "Download it now: you need it until every account has a new password." \
      "Then fix the cause and start a pipeline with ROTATE_NOW=true, which gives every account a new password." \
      "Until then, $branch holds passwords that no longer work, and later jobs do not notice. git says:" "$said"
  fi

  waiting=$(git ls-remote --heads "$remote" 'refs/heads/rotation/*' | sed "\,/$probe\$,d; s,.*refs/heads/,,") ||
    failed=1
  if [ -n "$waiting" ]; then
    failed=1
    say "These branches hold passwords that $branch lacks:" "$waiting" \
      "Start a pipeline with ROTATE_NOW=true, which gives every account a new password. It still fails because of these" \
      "branches. When it has rotated every account, delete them. See 'GitLab CI, with a file in git' in the guide."
  fi
  return "$failed"
}

# In one line, because git replaces this very file.
main "$@"; exit
