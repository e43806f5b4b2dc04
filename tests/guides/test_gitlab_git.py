# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/gitlab-git as it is, against a bare repository on disk, as a runner of GitLab would run it.

Most tests replace ansible-playbook with a few lines of shell, because they are about git. The last ones rotate.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from guides.gitlab import EXAMPLE, ROTATE, STORE, Job, Project, git
from support.playbooks import BIN
from support.simulator import Simulator

ASIDE = "rotation/7"
PROBE = "rotation/probe"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_what_was_rotated_is_pushed(project: Project) -> None:
    first = project.pipeline()
    assert (first.status, first.seen, project.store()) == (0, "", "of job 101\n"), first.output
    second = project.pipeline(8)
    assert (second.status, second.seen, project.store()) == (0, "of job 101\n", "of job 101\nof job 102\n")
    assert project.branches() == ["main"]
    assert project.messages() == ["Rotate Data Forest passwords", "Rotate Data Forest passwords", "Begin"]
    assert git(project.bare, "log", "-1", "--format=%an <%ae>") == "rotation <ops@example.com>"


def test_a_quiet_run_commits_nothing(project: Project) -> None:
    project.pipeline()
    project.program("ansible-playbook", "exit 0")
    before = project.head()
    assert project.pipeline().status == 0
    assert project.head() == before


@pytest.mark.parametrize("given", [{}, {"NEW_ACCOUNTS": "rotate", "ROTATE_NOW": "true"}])
def test_variables_of_the_pipeline_reach_the_playbook(project: Project, given: dict[str, str]) -> None:
    project.program("ansible-playbook", 'printf "%s\n" "$@" >"$SEEN"')
    job = project.pipeline(env=given)
    new, now = given.get("NEW_ACCOUNTS", "fail"), given.get("ROTATE_NOW", "false")
    passphrase = ["rotate.yml", "--vault-password-file", str(project.folder / "passphrase")]
    assert job.seen.splitlines() == [*passphrase, "-e", f"new_accounts={new}", "-e", f"rotate_now={now}"]


def test_a_retry_goes_on_from_the_newest_store(project: Project) -> None:
    old = project.head()
    project.pipeline(7, old)
    project.pipeline(8)
    retried = project.pipeline(7, old)
    assert (retried.status, retried.seen) == (0, "of job 101\nof job 102\n"), retried.output
    assert project.store() == "of job 101\nof job 102\nof job 103\n"


def test_a_playbook_that_fails_is_pushed_too(project: Project) -> None:
    project.program("ansible-playbook", f"{ROTATE}; exit 2")
    job = project.pipeline()
    assert (job.status, project.store()) == (2, "of job 101\n")


def test_a_merge_in_between_loses_nothing(project: Project) -> None:
    project.pipeline()
    project.commit("Elsewhere", other_txt="one\n")
    # A branch from before the rotation, merged while the job runs.
    merge = project.while_it_runs(
        "checkout --quiet -B feature origin/main~2",
        "!echo two >feature.txt",
        "add --all",
        "commit --quiet --message Feature",
        "checkout --quiet -B main origin/main",
        "merge --quiet --no-ff --message Merge feature",
    )
    project.program("ansible-playbook", f"{ROTATE}; {merge}")
    job = project.pipeline(8)
    assert job.status == 0, job.output
    assert project.store() == "of job 101\nof job 102\n"
    assert project.messages()[:2] == ["Rotate Data Forest passwords", "Merge"]
    assert git(project.bare, "show", "main:feature.txt") == "two"


def test_it_pushes_until_it_wins_the_race(project: Project) -> None:
    commit = project.while_it_runs("commit --quiet --allow-empty --message Race")
    project.hook = f"test $(ls {project.folder}/race* 2>/dev/null | wc -l) -ge 5 || "
    project.hook += f"{{ touch $(mktemp {project.folder}/raceXXXX); {commit}; }}"
    job = project.pipeline()
    assert job.status == 0, job.output
    assert project.messages() == ["Rotate Data Forest passwords", *["Race"] * 5, "Begin"]
    assert project.store() == "of job 101\n"


def says(job: Job, *lines: str) -> bool:
    """Whether a job prints lines that begin like these, in this order."""
    said = iter(line.strip() for line in job.output.split("\n"))
    return all(any(found.startswith(line) for found in said) for line in lines)


# What a job says about a branch that holds its store, and about each branch that waits.
WAITS = (
    f"The store of this job is now on the branch {ASIDE}.",
    "These branches hold passwords that main lacks:",
    ASIDE,
    "Start a pipeline with ROTATE_NOW=true, which gives every account a new password.",
)


def test_a_race_that_is_never_won_ends_in_a_branch(project: Project) -> None:
    project.hook = project.while_it_runs("commit --quiet --allow-empty --message Race")
    job = project.pipeline()
    assert job.status == 1
    assert project.store(ASIDE) == "of job 101\n"
    assert says(job, "The new passwords could not be pushed to main.", "! [", *WAITS), job.output


@pytest.mark.parametrize(
    "undone",
    [
        (),
        ("revert --no-edit HEAD",),
        ("branch --force side", "checkout --quiet -B main origin/main", "merge --quiet --strategy ours --no-edit side"),
    ],
    ids=["changed", "changed and changed back", "changed on a branch whose change was not merged"],
)
def test_a_store_that_others_have_changed_is_never_merged(project: Project, undone: tuple[str, ...]) -> None:
    project.pipeline()
    steps = (f"!echo 'of a colleague' >>{STORE}", "commit --quiet --all --message Theirs", *undone)
    project.program("ansible-playbook", f"{ROTATE}; {project.while_it_runs(*steps)} >/dev/null")
    job = project.pipeline()
    assert job.status == 1
    assert project.store() == ("of job 101\n" if undone else "of job 101\nof a colleague\n")
    assert project.store(ASIDE) == "of job 101\nof job 102\n"
    why = f"Somebody else has changed {STORE} on main while this job ran."
    assert says(job, why, "! [rejected]", *WAITS)
    assert job.output.index(why) < job.output.index("[rejected]"), "git's words come after their explanation."
    # Later jobs say that, too, until somebody has brought them together.
    project.program("ansible-playbook", "exit 0")
    later = project.pipeline(8)
    assert (later.status, says(later, *WAITS[1:])) == (1, True), later.output
    git(project.bare, "branch", "--quiet", "--delete", "--force", ASIDE)
    assert project.pipeline(9).status == 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            ("checkout --quiet --orphan rewritten", "commit --quiet --all --message Rewritten"),
            "Somebody else has rewritten main while this job ran.",
        ),
        (
            ("rm --quiet dataforest.yml", "commit --quiet --message Removed"),
            f"Somebody else has changed {STORE} on main while this job ran.",
        ),
    ],
    ids=["rewritten", "removed"],
)
def test_a_branch_that_was_harmed_is_not_pushed_to(project: Project, harm: tuple[str, ...], said: str) -> None:
    project.pipeline()
    project.program("ansible-playbook", f"{ROTATE}; {project.while_it_runs(*harm)} >/dev/null")
    job = project.pipeline()
    assert job.status == 1
    assert project.store(ASIDE) == "of job 101\nof job 102\n"
    assert says(job, said, *WAITS)


def test_a_second_branch_does_not_replace_the_first(project: Project) -> None:
    project.pipeline()
    old = project.head()
    steps = (f"!echo 'of a colleague' >>{STORE}", "commit --quiet --all --message Theirs")
    project.program("ansible-playbook", f"{ROTATE}; {project.while_it_runs(*steps)}")
    project.pipeline(7, old)
    job = project.pipeline(7, old)
    assert job.status == 1
    assert project.branches() == ["main", ASIDE, f"{ASIDE}-103"]
    assert project.store(ASIDE) == "of job 101\nof job 102\n"
    assert project.store(f"{ASIDE}-103") == "of job 101\nof a colleague\nof job 103\n"


def receive(project: Project, name: str, text: str) -> None:
    hook = project.bare / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    hook.chmod(0o755)


def test_a_push_whose_answer_is_lost_has_arrived(project: Project) -> None:
    receive(project, "post-receive", "! grep -q refs/heads/main || kill -KILL $PPID")
    job = project.pipeline()
    assert (job.status, project.branches(), project.store()) == (0, ["main"], "of job 101\n"), job.output


def test_a_branch_that_may_not_be_pushed_to_is_bypassed(project: Project) -> None:
    receive(project, "update", '[ "$1" != refs/heads/main ]')
    project.program("sleep", "")
    job = project.pipeline()
    assert (job.status, project.store(ASIDE)) == (1, "of job 101\n")
    why = "The new passwords could not be pushed to main."
    assert says(job, why, "remote: error: hook declined", "! [remote rejected]", *WAITS), job.output


def test_the_artifact_is_left_if_nothing_can_be_pushed_any_more(project: Project) -> None:
    receive(project, "update", f'[ "$1" = refs/heads/{PROBE} ] || {{ echo Not tonight.; exit 1; }}')
    project.program("sleep", "")
    job = project.pipeline()
    assert (job.status, job.artifact, project.branches()) == (1, "of job 101\n", ["main"])
    assert says(
        job,
        f"Nothing could be pushed. The only copy of the new passwords is {STORE} in the artifacts of this job.",
        "Then fix the cause and start a pipeline with ROTATE_NOW=true, which gives every account a new password.",
        "Until then, main holds passwords that no longer work, and later jobs do not notice. git says:",
        "remote: Not tonight.",
    ), job.output
    artifacts = yaml.safe_load((EXAMPLE / "gitlab-ci.yml").read_text(encoding="utf-8"))["rotate"]["artifacts"]
    assert (artifacts["when"], artifacts["paths"]) == ("always", [STORE])


# What a server may refuse, as a hook or a push rule does. Each lets everything else pass.
REFUSED = {
    "every push": "false",
    "commits by this author": "! git log -1 --format=%ae $new | grep -q ops@example.com",
    "commits with this message": "! git log -1 --format=%s $new | grep -q '^Rotate Data Forest passwords$'",
    "commits that change the store": f"! git diff-tree -r --name-only HEAD $new | grep -q {STORE}",
    "new branches": "[ $old != 0000000000000000000000000000000000000000 ]",
    "branches under rotation/": "[[ $ref != refs/heads/rotation/* ]]",
}


@pytest.mark.parametrize("rule", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("rotated", [False, True], ids=["the first run", "a later run"])
def test_what_the_server_refuses_is_found_before_any_reset(project: Project, rule: str, rotated: bool) -> None:
    if rotated:
        project.pipeline()
    # The deletion of a branch has no commit to look at.
    text = f'while read old new ref; do [[ $new == 0000* ]] || {{ {rule}; }} || {{ echo "Not $ref."; exit 1; }}; done'
    receive(project, "pre-receive", text)
    project.program("ansible-playbook", 'echo begun >"$SEEN"')
    before = project.head()
    job = project.pipeline(9)
    assert (job.status, job.seen, project.branches(), project.head()) == (1, "", ["main"], before), job.output
    assert says(
        job,
        f"The trial push to the branch {PROBE} failed. No password was changed.",
        "must accept commits by rotation <ops@example.com> that change dataforest.yml. git says:",
        f"remote: Not refs/heads/{PROBE}.",
    ), job.output
    # The artifact of the job is the store as it was.
    assert (job.artifact == "of job 101\n") if rotated else not (job.folder / STORE).exists()


def test_a_token_that_may_not_delete_is_found_before_any_reset(project: Project) -> None:
    receive(project, "update", "[[ $3 != 0000* ]]")
    project.program("ansible-playbook", 'echo begun >"$SEEN"')
    job = project.pipeline()
    assert (job.status, job.seen, project.branches()) == (1, "", ["main", PROBE])
    assert f"The trial push to the branch {PROBE} failed. No password was changed." in job.output


def test_a_trial_push_that_was_left_behind_is_no_obstacle(project: Project) -> None:
    project.pipeline()
    git(project.bare, "branch", PROBE, "main~1")
    job = project.pipeline(8)
    assert (job.status, job.seen, project.branches()) == (0, "of job 101\n", ["main"]), job.output
    # Another job may be at its trial push when this one ends.
    project.program("ansible-playbook", f"git --git-dir {project.bare} branch {PROBE} main")
    job = project.pipeline(9)
    assert (job.status, project.branches()) == (0, ["main", PROBE]), job.output


def test_a_trial_push_starts_no_pipeline(project: Project) -> None:
    log = project.folder / "log"
    receive(project, "pre-receive", f"while read old new ref; do git log -1 --format=%s/%b $new >>{log} || true; done")
    assert project.pipeline().status == 0
    said = [line for line in log.read_text(encoding="utf-8").split("\n") if line]
    assert said == ["Rotate Data Forest passwords/[skip ci]", "Rotate Data Forest passwords/"]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PUSH_URL": "file:///nowhere"}, "The head of main could not be fetched. No password was changed."),
        ({"CI_COMMIT_BRANCH": "gone"}, "The head of gone could not be fetched. No password was changed."),
        ({"CI_COMMIT_BRANCH": ""}, "CI_COMMIT_BRANCH"),
        ({"DATAFOREST_PASSPHRASE": ""}, "DATAFOREST_PASSPHRASE"),
    ],
)
def test_what_cannot_work_is_found_before_any_reset(project: Project, env: dict[str, str], said: str) -> None:
    project.program("ansible-playbook", 'echo begun >"$SEEN"')
    job = project.pipeline(env=env)
    assert (job.status, job.seen) == (1, ""), job.output
    assert said in job.output


def test_a_token_that_may_not_push_is_found_before_any_reset(project: Project) -> None:
    project.program("ansible-playbook", 'echo begun >"$SEEN"')
    project.program("git", f'[ "$1" != push ] || exit 128; exec {shutil.which("git")} "$@"')
    job = project.pipeline()
    assert (job.status, job.seen) == (1, "")
    assert says(job, f"The trial push to the branch {PROBE} failed. No password was changed.", "PUSH_TOKEN must be")


def test_an_ignored_store_is_found_before_any_reset(project: Project) -> None:
    project.commit("Ignore too much", _gitignore="dataforest.yml*\n")
    project.program("ansible-playbook", 'echo begun >"$SEEN"')
    job = project.pipeline()
    assert (job.status, job.seen) == (1, "")
    assert f"git ignores {STORE}. No password was changed. Remove it from .gitignore." in job.output


def test_the_token_is_told_to_git_and_to_nobody_else(project: Project) -> None:
    project.program(
        "ansible-playbook",
        f"""
        printf 'protocol=https\nhost=gitlab.example.com\nusername=oauth2\n' | git credential fill >"$SEEN"; {ROTATE}
    """,
    )
    job = project.pipeline()
    assert job.status == 0
    assert job.seen.splitlines()[-1] == "password=an-invented-token"
    assert "an-invented-token" not in job.output
    assert "oauth2@" in (EXAMPLE / "rotate.sh").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------ with real rotations


@pytest.fixture
def real(project: Project, installed_collection: Path, simulator: Simulator) -> Project:
    """The project, with the real playbook and the simulator, after its first run."""
    (project.folder / "passphrase").write_text("a passphrase of the tests\n", encoding="utf-8")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(installed_collection),
        "NCLOUD_ACCESS_KEY_ID": simulator.access_key,
        "NCLOUD_SECRET_ACCESS_KEY": simulator.secret_key,
        "NCLOUD_DATAFOREST_API_URL": simulator.ncp_url,
    }
    exports = "\n".join(f"export {name}='{value}'" for name, value in settings.items())
    project.program("rotation", f'{exports}\nexec {BIN}/ansible-playbook "$@"')
    project.program("ansible-playbook", 'exec rotation "$@"')
    refused = project.pipeline(1)
    assert refused.status == 2
    assert simulator.counters()["ncp"]["writes"] == 0
    first = project.pipeline(2, env={"NEW_ACCOUNTS": "rotate"})
    assert first.status == 0, first.output
    assert live(simulator) == passwords(project)
    return project


def live(simulator: Simulator) -> dict[str, str]:
    return {name: account["password"] for name, account in simulator.truth()["accounts"]["default"].items()}


def passwords(project: Project, branch: str = "main") -> dict[str, str]:
    """The active passwords in the store of a branch."""
    file = project.folder / "shown.yml"
    file.write_text(project.store(branch), encoding="utf-8")
    command = [BIN / "ansible-vault", "view", f"--vault-password-file={project.folder / 'passphrase'}", file]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    envelopes = yaml.safe_load(shown)["dataforest_credentials"]
    return {name: envelope["password"] for name, envelope in envelopes.items()}


def test_a_retry_of_an_old_pipeline_keeps_the_live_passwords(real: Project, simulator: Simulator) -> None:
    old = git(real.bare, "rev-parse", "main~1")
    assert real.pipeline(8, env={"ROTATE_NOW": "true"}).status == 0
    kept, head = live(simulator), real.head()
    retried = real.pipeline(2, old)
    assert retried.status == 0, retried.output
    assert live(simulator) == passwords(real) == kept
    assert real.head() == head


@pytest.mark.parametrize("order", ["they rotate last", "they rotate first"])
def test_where_both_sides_rotate_both_stores_survive(real: Project, simulator: Simulator, order: str) -> None:
    before = live(simulator)
    by_hand = f"!rotation rotate.yml --vault-password-file {real.folder / 'passphrase'} -e rotate_now=true"
    theirs = real.while_it_runs(by_hand, "commit --quiet --all --message Rotated-by-hand")
    parts = ['rotation "$@"', theirs]
    real.program("ansible-playbook", " && ".join(parts if order == "they rotate last" else reversed(parts)))
    job = real.pipeline(7, env={"ROTATE_NOW": "true"})
    assert job.status == 1, job.output
    assert set(real.branches()) == {"main", ASIDE}
    in_both = (passwords(real), passwords(real, ASIDE))
    assert live(simulator) == in_both[0 if order == "they rotate last" else 1]
    times = [account["history"] for account in simulator.truth()["accounts"]["default"].values()]
    assert {len(history) for history in times} == {3}
    assert not set(before.values()) & {password for store in in_both for password in store.values()}

    # What the guide says: rotate all with the store of the branch, then delete the other.
    real.program("ansible-playbook", 'exec rotation "$@"')
    together = real.pipeline(8, env={"ROTATE_NOW": "true"})
    assert "failed=0" in together.output
    assert live(simulator) == passwords(real)
    git(real.bare, "branch", "--quiet", "--delete", "--force", ASIDE)
    assert real.pipeline(9).status == 0
