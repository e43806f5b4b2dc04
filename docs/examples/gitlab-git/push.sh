#!/usr/bin/env bash
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Commits the store and pushes it. It is the command on_save of the store in rotate.yml, so it runs each time the store
# has been saved, and no password is sent before it has succeeded. rotate.sh sets what it needs.
#
# HEAD is the commit that the store in this folder comes from. If both sides have changed the store since then, they are
# never merged: each side holds passwords that the other one lacks.

set -uo pipefail
store=dataforest.yml
branch=${CI_COMMIT_BRANCH:?}
aside=rotation/${CI_PIPELINE_ID:?}
job=${CI_JOB_ID:?}
begin=${ROTATION_BEGIN:?} # the commit with which the job began
remote=${ROTATION_REMOTE:?}
report=$(git rev-parse --git-path rotation-report)

# Prints a sentence, which Ansible shows, and adds it to the report with what git said, which rotate.sh shows.
say() {
  printf '%s\n' "$1" >&2
  printf '\n%s\n' "$@" >>"$report"
}

# Makes a commit that changes nothing but the store. The files of this folder and git's index stay as they are.
commit() {
  local onto=$1 tree
  tree=$(
    GIT_INDEX_FILE=$(git rev-parse --git-path rotation-index)
    export GIT_INDEX_FILE
    git read-tree "$onto" && git update-index --add --cacheinfo "100644,$blob,$store" && git write-tree
  ) || return
  git commit-tree "$tree" -p "$onto" -m "Rotate Data Forest passwords" \
    -m "Job $job of pipeline $CI_PIPELINE_ID. [skip ci]"
}

push() { said=$(git push --quiet "$remote" "$1:refs/heads/$2" 2>&1); }

# Lists the commits between two that change the store. A merge counts if it changes the store of its first parent.
changes() {
  git rev-list --no-merges --full-history "$1..$2" -- "$store" && git rev-list --first-parent "$1..$2" -- "$store"
}

# Makes a commit of the branch the one that the store in this folder comes from.
go_on_from() { git update-ref HEAD "$1"; }

# Tells whether a commit has this very store.
has_it() { [ "$(git rev-parse --quiet --verify "$1:$store")" = "$blob" ]; }

# Brings the store to the branch, on top of the commits of others. If others have changed it, sets $why.
to_branch() {
  local attempt onto=HEAD others mine
  mine=$(commit "$onto") || return
  for attempt in 1 2 3 4 5 6 7 8; do
    if push "$mine" "$branch"; then
      go_on_from "$mine"
      return
    fi
    sleep "$attempt"
    said+=$(git fetch --quiet "$remote" "+refs/heads/$branch:refs/rotation/head" 2>&1) || continue
    # An earlier push has arrived, and only the answer was lost.
    if has_it refs/rotation/head; then
      go_on_from refs/rotation/head
      return
    fi
    if git merge-base --is-ancestor "$mine" refs/rotation/head; then
      go_on_from "$mine"
      return
    fi
    if ! git merge-base --is-ancestor HEAD refs/rotation/head; then
      why="Somebody else has rewritten $branch while this job ran."
      return 1
    fi
    others=$(changes HEAD refs/rotation/head) || return
    if [ -n "$others" ]; then
      why="Somebody else has changed $store on $branch while this job ran."
      return 1
    fi
    [ "$onto" = "$(git rev-parse refs/rotation/head)" ] && continue
    onto=$(git rev-parse refs/rotation/head) && mine=$(commit "$onto") || return
  done
  return 1
}

# Brings the store to a branch of its own, which is noted: a later task of the job may save, and ask for this again.
to_aside() {
  local attempt name mine
  ! has_it refs/rotation/aside || return 0
  mine=$(commit HEAD) || return
  for attempt in 1 2 3 4 5; do
    for name in "$aside" "$aside-$job"; do
      push "$mine" "$name" && git update-ref refs/rotation/aside "$mine" && return
    done
    sleep "$attempt"
  done
  return 1
}

main() {
  local blob said='' reason why='' last
  blob=$(git hash-object -w --path "$store" -- "$store") || return
  ! has_it HEAD || return 0
  to_branch && return
  reason=$said
  last=$(git rev-parse HEAD)
  if [ -z "$why" ]; then
    # Whatever was sent is pending in the branch, and the next job sends it once more.
    say "The store could not be pushed to $branch. Nothing is lost: fix the cause and start a new pipeline." "$reason"
  elif [ "$last" = "$begin" ]; then
    # No push has succeeded, so nothing was sent.
    say "$why No password was changed. Start a new pipeline." "$reason"
  elif to_aside; then
    say "$why The store of this job is now on a branch below rotation/." "$reason"
  else
    say "$why Nothing more could be pushed. The passwords that were sent are in the commit $last." "$reason" "$said"
  fi
  return 1
}

main "$@"
