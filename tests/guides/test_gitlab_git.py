# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/gitlab-git as it is, against a bare repository on disk, as a runner of GitLab would run it.

Most tests replace ansible-playbook with a few lines of shell, because they are about git. The last ones rotate.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from guides.gitlab import EXAMPLE, KILL, ROTATE, STORE, Job, Project, git
from support.playbooks import BIN
from support.simulator import Simulator

ASIDE = "rotation/7"
MESSAGE = "Rotate Data Forest passwords"
# Before a candidate is pushed, and before it is known to be live; see `Project.hook`.
UNSENT, SENT = 1, 2
NOTHING_SENT = "No password was changed. Start a new pipeline."
NOTHING_LOST = "The store could not be pushed to main. Nothing is lost: fix the cause and start a new pipeline."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def at(time: int, text: str) -> str:
    """A hook for one of the pushes of a job."""
    return f"[ $TIME != {time} ] || {text}"


def test_what_was_rotated_is_pushed(project: Project) -> None:
    first = project.pipeline()
    assert (first.status, first.seen, project.store()) == (0, "", "of job 101\n"), first.output
    second = project.pipeline(8)
    assert (second.status, second.seen, project.store()) == (0, "of job 101\n", "of job 101\nof job 102\n")
    assert project.branches() == ["main"]
    assert project.messages() == [*[MESSAGE] * 4, "Begin"]
    said = "night shift <night@example.com>\nJob 102 of pipeline 8. [skip ci]"
    assert git(project.bare, "log", "-1", "--format=%an <%ae>%n%b", "main").strip() == said
    assert git(project.bare, "show", "--format=", "--name-only", "main") == STORE


def test_each_version_is_pushed_before_anything_is_sent(project: Project) -> None:
    project.hook = f'cat "$SENT" >>{project.folder}/before'
    project.pipeline()
    assert (project.folder / "before").read_text(encoding="utf-8") == "of job 101\n", "by the second push"
    assert project.store("main~1") == "pending of job 101\n"


def test_a_quiet_run_commits_nothing(project: Project) -> None:
    project.pipeline()
    project.program("ansible-playbook", "exit 0")
    before = project.head()
    assert project.pipeline().status == 0
    assert project.head() == before


@pytest.mark.parametrize("given", [{}, {"NEW_ACCOUNTS": "rotate", "ROTATED_BEFORE": "2026-11-30T10:00:00+09:00"}])
def test_variables_of_the_pipeline_reach_the_playbook(project: Project, given: dict[str, str]) -> None:
    project.program("ansible-playbook", 'printf "%s\n" "$@" "$NEW_ACCOUNTS" "$ROTATED_BEFORE" >"$SEEN"')
    job = project.pipeline(env=given)
    words = ["rotate.yml", "--vault-password-file", str(project.folder / "passphrase")]
    asked = [given.get("NEW_ACCOUNTS", "fail"), given.get("ROTATED_BEFORE", "")]
    assert job.seen.split("\n")[:-1] == [*words, *asked]


def test_only_the_branch_of_the_store_rotates_and_one_job_at_a_time() -> None:
    job = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text(encoding="utf-8"))["rotate"]
    rules = [f'$CI_PIPELINE_SOURCE == "{how}" && $CI_COMMIT_BRANCH == $STORE_BRANCH' for how in ("schedule", "web")]
    assert [rule["if"] for rule in job["rules"]] == rules
    assert (job["resource_group"], job["interruptible"], job["retry"]) == ("dataforest", False, 0)
    assert (job["artifacts"]["when"], job["artifacts"]["paths"]) == ("always", ["report.json"])


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


@pytest.mark.parametrize("time", [UNSENT, SENT])
def test_a_merge_in_between_loses_nothing(project: Project, time: int) -> None:
    begin = project.head()
    project.pipeline()
    project.commit("Elsewhere", other_txt="one\n")
    # A branch from before the rotation, merged while the job runs.
    merge = project.while_it_runs(
        f"checkout --quiet -B feature {begin}",
        "!echo two >feature.txt",
        "add --all",
        "commit --quiet --message Feature",
        "checkout --quiet -B main origin/main",
        "merge --quiet --no-ff --message Merge feature",
    )
    project.hook = at(time, merge)
    job = project.pipeline(8)
    assert job.status == 0, job.output
    assert project.store() == "of job 101\nof job 102\n"
    assert git(project.bare, "log", "--first-parent", "--format=%s", "main").split("\n")[:4] == (
        [MESSAGE, MESSAGE, "Merge", "Elsewhere"] if time == UNSENT else [MESSAGE, "Merge", MESSAGE, "Elsewhere"]
    )
    assert git(project.bare, "show", "main:feature.txt") == "two"
    # The job goes on with the files with which it began.
    assert not (job.folder / "feature.txt").exists()


def test_it_pushes_until_it_wins_the_race(project: Project) -> None:
    commit = project.while_it_runs("commit --quiet --allow-empty --message Race")
    project.hook = f"[ $TIME -gt 5 ] || {commit}"
    job = project.pipeline()
    assert job.status == 0, job.output
    assert project.messages() == [MESSAGE, MESSAGE, *["Race"] * 5, "Begin"]
    assert project.store() == "of job 101\n"


def says(job: Job, *lines: str) -> bool:
    """Whether a job prints lines that begin like these, in this order."""
    said = iter(line.strip() for line in job.output.split("\n"))
    return all(any(found.startswith(line) for found in said) for line in lines)


# What a job says about each branch that waits.
WAITS = (
    "These branches hold passwords that main lacks:",
    ASIDE,
    "Start a pipeline with ROTATED_BEFORE set to the present moment, which gives every account a new password.",
)


@pytest.mark.parametrize("time", [UNSENT, SENT])
def test_after_a_race_that_is_never_won_the_next_job_goes_on(project: Project, time: int) -> None:
    project.hook = f"[ $TIME -lt {time} ] || {project.while_it_runs('commit --quiet --allow-empty --message Race')}"
    job = project.pipeline()
    sent = "of job 101\n" if time == SENT else ""
    assert (job.status, job.sent, project.branches()) == (2, sent, ["main"])
    assert says(job, NOTHING_LOST, "! ["), job.output
    project.hook = ""
    later = project.pipeline(8)
    assert (later.status, later.seen) == (0, f"pending {sent}" if sent else ""), later.output


UNDONE = {
    "changed": (),
    "changed and changed back": ("revert --no-edit HEAD",),
    "changed on a branch whose change was not merged": (
        "branch --force side",
        "checkout --quiet -B main origin/main",
        "merge --quiet --strategy ours --no-edit side",
    ),
}


@pytest.mark.parametrize("undone", UNDONE.values(), ids=UNDONE)
def test_a_store_that_others_have_changed_is_never_merged(project: Project, undone: tuple[str, ...]) -> None:
    project.pipeline()
    steps = (f"!echo 'of a colleague' >>{STORE}", "commit --quiet --all --message Theirs", *undone)
    project.hook = at(SENT, f"{project.while_it_runs(*steps)} >/dev/null")
    job = project.pipeline()
    assert (job.status, job.sent) == (1, "of job 102\n")
    theirs = "" if undone else "of a colleague\n"
    assert project.store() == f"of job 101\npending of job 102\n{theirs}"
    assert project.store(ASIDE) == "of job 101\nof job 102\n"
    why = f"Somebody else has changed {STORE} on main while this job ran."
    assert says(job, f"{why} The store of this job is now on a branch below rotation/.", "! [", *WAITS)
    # Later jobs say that, too, until somebody has brought them together.
    project.hook = ""
    project.program("ansible-playbook", "exit 0")
    later = project.pipeline(8)
    assert (later.status, says(later, *WAITS)) == (1, True), later.output
    git(project.bare, "branch", "--quiet", "--delete", "--force", ASIDE)
    assert project.pipeline(9).status == 0


HARM = {
    "changed": (("!echo theirs >>dataforest.yml", "commit --quiet --all --message Theirs"), f"changed {STORE} on main"),
    "rewritten": (("checkout --quiet --orphan other", "commit --quiet --all --message Rewritten"), "rewritten main"),
    "removed": (("rm --quiet dataforest.yml", "commit --quiet --message Removed"), f"changed {STORE} on main"),
}


@pytest.mark.parametrize(("harm", "said"), HARM.values(), ids=HARM)
@pytest.mark.parametrize("time", [UNSENT, SENT])
def test_a_branch_that_others_have_changed_is_not_pushed_to(
    project: Project, harm: tuple[str, ...], said: str, time: int
) -> None:
    project.pipeline()
    project.hook = at(time, f"{project.while_it_runs(*harm)} >/dev/null")
    job = project.pipeline()
    assert project.messages()[0] != MESSAGE
    if time == SENT:
        assert (job.status, job.sent, project.store(ASIDE)) == (1, "of job 102\n", "of job 101\nof job 102\n")
        assert says(job, f"Somebody else has {said} while this job ran.", *WAITS), job.output
    else:
        # Then nothing has to be brought together.
        assert (job.status, job.sent, project.branches()) == (2, "", ["main"])
        assert says(job, f"Somebody else has {said} while this job ran. {NOTHING_SENT}"), job.output


def test_a_second_branch_does_not_replace_the_first(project: Project) -> None:
    project.pipeline()
    old = project.head()
    steps = (f"!echo 'of a colleague' >>{STORE}", "commit --quiet --all --message Theirs")
    project.hook = at(SENT, project.while_it_runs(*steps))
    project.pipeline(7, old)
    job = project.pipeline(7, old)
    assert job.status == 1
    assert project.branches() == ["main", ASIDE, f"{ASIDE}-103"]
    assert project.store(ASIDE) == "of job 101\nof job 102\n"
    assert project.store(f"{ASIDE}-103") == "of job 101\npending of job 102\nof a colleague\nof job 103\n"


def test_a_store_goes_to_one_branch_however_often_it_is_asked_for(project: Project) -> None:
    """Each later task of a play that may save asks again."""
    project.program("ansible-playbook", f"{ROTATE}; bash push.sh || bash push.sh || exit 3")
    steps = (f"!echo 'of a colleague' >>{STORE}", "commit --quiet --all --message Theirs")
    project.hook = at(SENT, project.while_it_runs(*steps))
    assert project.pipeline().status == 1
    assert project.branches() == ["main", ASIDE]


def receive(project: Project, name: str, text: str) -> None:
    hook = project.bare / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    hook.chmod(0o755)


def test_a_push_whose_answer_is_lost_has_arrived(project: Project) -> None:
    receive(project, "post-receive", "! grep -q refs/heads/main || kill -KILL $PPID")
    job = project.pipeline()
    assert (job.status, project.branches(), project.store()) == (0, ["main"], "of job 101\n"), job.output
    assert project.messages() == [MESSAGE, MESSAGE, "Begin"]


def test_a_command_that_was_ended_after_its_push_is_repeated(project: Project) -> None:
    """The commit that has arrived is its own, and not that of somebody else."""
    twice = ROTATE.replace("bash push.sh", "{ GIT_COMMITTER_DATE=2001-01-01T00:00:00Z bash push.sh; bash push.sh; }")
    project.program("ansible-playbook", twice)
    project.program(
        "git", f'[[ "$1 $GIT_COMMITTER_DATE" != update-ref*2001* ]] || exit 1; exec {shutil.which("git")} "$@"'
    )
    job = project.pipeline()
    assert (job.status, job.sent, project.branches(), project.store()) == (0, "of job 101\n", ["main"], "of job 101\n")


def test_a_branch_that_is_closed_after_a_password_was_sent_has_it(project: Project) -> None:
    receive(project, "update", f"[ $1 != refs/heads/main ] || ! grep -q pending <(git show main:{STORE} 2>&1)")
    job = project.pipeline()
    assert (job.status, job.sent, project.branches()) == (2, "of job 101\n", ["main"])
    assert project.store() == "pending of job 101\n"
    assert says(job, NOTHING_LOST, "remote: error: hook declined", "! [remote rejected]"), job.output


def test_where_nothing_can_be_pushed_any_more_a_commit_has_what_was_sent(project: Project) -> None:
    receive(project, "update", "[[ $1 != refs/heads/rotation/* ]] || { echo Not tonight.; exit 1; }")
    steps = (f"!echo 'of a colleague' >{STORE}", "commit --quiet --all --message Theirs")
    project.hook = at(SENT, project.while_it_runs(*steps))
    job = project.pipeline()
    assert (job.status, job.sent, project.branches(), project.store()) == (
        2,
        "of job 101\n",
        ["main"],
        "of a colleague\n",
    )
    why = f"Somebody else has changed {STORE} on main while this job ran."
    commit = git(project.bare, "rev-parse", "main~1")
    last = f"{why} Nothing more could be pushed. The passwords that were sent are in the commit {commit}."
    assert says(job, last, "! [", "remote: Not tonight."), job.output
    assert project.store("main~1") == "pending of job 101\n"


# What a server may refuse, as a hook or a push rule does. Each lets everything else pass.
REFUSED = {
    "every push": "false",
    "commits by this author": "! git log -1 --format=%ae $new | grep -q night@example.com",
    "commits with this message": f"! git log -1 --format=%s $new | grep -q '^{MESSAGE}$'",
    "commits that change the store": f"! git diff-tree -r --name-only HEAD $new | grep -q {STORE}",
}


@pytest.mark.parametrize("rule", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("rotated", [False, True], ids=["the first run", "a later run"])
def test_what_the_server_refuses_is_found_before_any_reset(project: Project, rule: str, rotated: bool) -> None:
    if rotated:
        project.pipeline()
    receive(
        project, "pre-receive", f'while read old new ref; do {{ {rule}; }} || {{ echo "Not $ref."; exit 1; }}; done'
    )
    before = project.head()
    job = project.pipeline(9)
    assert (job.status, job.sent, project.branches(), project.head()) == (2, "", ["main"], before), job.output
    assert says(job, NOTHING_LOST, "remote: Not refs/heads/main."), job.output


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


@pytest.mark.parametrize("name", ["CI_PIPELINE_ID", "CI_JOB_ID"])
def test_what_only_a_push_needs_is_found_before_any_reset(project: Project, name: str) -> None:
    job = project.pipeline(env={name: ""})
    assert (job.status, job.sent) == (2, "")
    assert name in job.output


def test_a_token_that_may_not_push_is_found_before_any_reset(project: Project) -> None:
    project.program("git", f'[ "$1" != push ] || exit 128; exec {shutil.which("git")} "$@"')
    job = project.pipeline()
    assert (job.status, job.sent, says(job, NOTHING_LOST)) == (2, "", True), job.output


def test_a_store_that_git_ignores_is_pushed_all_the_same(project: Project) -> None:
    project.commit("Ignore too much", _gitignore="dataforest.yml*\n")
    assert project.pipeline().status == 0
    assert project.store() == "of job 101\n"


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
        "NCLOUD_STS_API_URL": simulator.ncp_url,
    }
    exports = "\n".join(f"export {name}='{value}'" for name, value in settings.items())
    project.program("rotation", f'{exports}\nexec {BIN}/ansible-playbook "$@"')
    project.program("ansible-playbook", 'exec rotation "$@"')
    first = project.pipeline(2, env={"NEW_ACCOUNTS": "rotate"})
    assert first.status == 0, first.output
    assert project.messages() == [MESSAGE, MESSAGE, "Begin"]
    assert live(simulator) == passwords(project)
    return project


def live(simulator: Simulator) -> dict[str, str]:
    return {name: account["password"] for name, account in simulator.truth()["accounts"]["default"].items()}


def resets(simulator: Simulator) -> int:
    """How many passwords the accounts have had so far."""
    return sum(len(account["history"]) for account in simulator.truth()["accounts"]["default"].values())


def passwords(project: Project, branch: str = "main") -> dict[str, str]:
    """The active passwords in the store of a branch."""
    return {name: envelope["password"] for name, envelope in envelopes(project, branch).items()}


def envelopes(project: Project, branch: str = "main") -> dict[str, Any]:
    file = project.folder / "shown.yml"
    file.write_text(project.store(branch), encoding="utf-8")
    command = [BIN / "ansible-vault", "view", f"--vault-password-file={project.folder / 'passphrase'}", file]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    stored: dict[str, Any] = yaml.safe_load(shown)["dataforest_credentials"]
    return stored


def pending(project: Project) -> dict[str, str]:
    """The last candidates in the store of the branch."""
    return {name: envelope["pending"][-1]["password"] for name, envelope in envelopes(project).items()}


def now() -> dict[str, str]:
    """Ask for new passwords in the place of all that there are, which are dated in whole seconds."""
    time.sleep(1)
    return {"ROTATED_BEFORE": time_text(time.time())}


def test_a_retry_of_an_old_pipeline_keeps_the_live_passwords(real: Project, simulator: Simulator) -> None:
    old = git(real.bare, "rev-parse", "main~2")
    assert real.pipeline(8, env=now()).status == 0
    kept, head = live(simulator), real.head()
    retried = real.pipeline(2, old)
    assert retried.status == 0, retried.output
    assert live(simulator) == passwords(real) == kept
    assert real.head() == head


def test_a_job_that_is_killed_with_its_workspace_loses_nothing(real: Project, simulator: Simulator) -> None:
    before, sent = live(simulator), resets(simulator)
    count = len(before)

    def killed(hook: str = "", after_a_push: str = "") -> None:
        real.hook = hook
        receive(real, "post-receive", after_a_push)
        job = real.pipeline(8, env=now())
        assert job.status == -signal.SIGKILL, job.output
        shutil.rmtree(job.folder)
        real.hook = ""
        receive(real, "post-receive", "")

    # Nothing was pushed, so nothing was sent.
    killed(hook=at(UNSENT, KILL))
    assert (passwords(real), live(simulator), resets(simulator)) == (before, before, sent)
    # The candidates are in the repository, and were not sent.
    killed(after_a_push=KILL)
    assert (passwords(real), live(simulator), resets(simulator)) == (before, before, sent)
    candidates = pending(real)
    assert real.pipeline(9).status == 0
    assert live(simulator) == passwords(real) == candidates != before
    # They were sent, and nobody but the repository knows them any more.
    killed(hook=at(SENT, KILL))
    assert live(simulator) == pending(real) != passwords(real)
    candidates = live(simulator)
    assert real.pipeline(10).status == 0
    assert live(simulator) == passwords(real) == candidates
    assert resets(simulator) == sent + 3 * count
    assert real.branches() == ["main"]


def test_a_push_that_is_refused_ends_the_run_and_the_next_one_goes_on(real: Project, simulator: Simulator) -> None:
    before, sent = live(simulator), resets(simulator)
    receive(real, "update", "echo Not tonight.; exit 1")
    refused = real.pipeline(8, env=now())
    assert (refused.status, resets(simulator), live(simulator)) == (2, sent, before)
    assert f"was saved, but its command on_save ended with exit status 1, saying: {NOTHING_LOST}" in refused.output
    assert says(refused, NOTHING_LOST, "remote: Not tonight.")
    # The server accepts the candidates, and then nothing more.
    receive(real, "update", f"test ! -e {real.folder}/one && touch {real.folder}/one")
    refused = real.pipeline(9, env=now())
    assert (refused.status, resets(simulator)) == (2, sent + len(before)), refused.output
    assert live(simulator) == pending(real) != before
    (real.bare / "hooks/update").unlink()
    assert real.pipeline(10).status == 0
    assert live(simulator) == passwords(real)


@pytest.mark.parametrize("time", [UNSENT, SENT])
def test_of_two_jobs_at_the_same_time_one_yields(real: Project, simulator: Simulator, time: int) -> None:
    reached, released = real.folder / "reached", real.folder / "released"
    os.mkfifo(reached)
    os.mkfifo(released)
    real.hook = at(time, f"{{ echo >{reached}; read -r line <{released}; }}")
    first: list[Job] = []
    slow = threading.Thread(target=lambda: first.append(real.pipeline(7, env=now())))
    slow.start()
    reached.read_text(encoding="utf-8")
    real.hook = ""
    quick = real.pipeline(8, env=now())
    assert quick.status == 0, quick.output
    kept, sent = live(simulator), resets(simulator)
    released.write_text("go on\n", encoding="utf-8")
    slow.join()
    assert first[0].status != 0
    assert live(simulator) == passwords(real) == kept
    assert resets(simulator) == sent
    if time == UNSENT:
        assert says(first[0], f"Somebody else has changed {STORE} on main while this job ran. {NOTHING_SENT}")
        assert real.pipeline(9).status == 0
        assert live(simulator) == passwords(real) == kept
    else:
        assert says(first[0], *WAITS)
        assert real.branches() == ["main", ASIDE]
        assert not set(passwords(real, ASIDE).values()) & set(kept.values())


def test_the_wrong_key_of_one_tenant_keeps_no_other_from_its_turn(real: Project, simulator: Simulator) -> None:
    other = simulator.tenants["other"]
    play = yaml.safe_load((EXAMPLE / "rotate.yml").read_text(encoding="utf-8"))
    keys = {"default": (simulator.access_key, simulator.secret_key), "other": (other["access_key"], "a wrong key")}
    # Keys of two tenants in the place of the one pair that is for this job.
    variables = play[0]["roles"][0]["vars"]
    for name in ("access_key", "secret_key"):
        del variables[f"ncp_dataforest_rotation_{name}"]

    def write() -> None:
        variables["ncp_dataforest_rotation_tenants"] = [
            {"access_key": access, "secret_key": secret} for access, secret in keys.values()
        ]
        real.commit("Another tenant", rotate_yml=yaml.safe_dump(play))

    def of_both() -> dict[str, str]:
        accounts = simulator.truth()["accounts"]
        return {name: row["password"] for tenant in keys for name, row in accounts[tenant].items()}

    write()
    before = of_both()
    given = {"NEW_ACCOUNTS": "rotate", **now()}
    job = real.pipeline(8, env=given)
    assert job.status == 2, job.output
    assert passwords(real) == live(simulator)
    assert not set(live(simulator).values()) & set(before.values())
    keys["other"] = (other["access_key"], other["secret_key"])
    write()
    assert real.pipeline(9, env={"NEW_ACCOUNTS": "rotate"}).status == 0
    assert passwords(real) == of_both()
    assert not set(of_both().values()) & set(before.values())


def test_where_both_sides_rotate_both_stores_survive(real: Project, simulator: Simulator) -> None:
    """A colleague goes on with what was there before the job, and then puts it in the place of the branch."""
    before = live(simulator)
    # As the guide says: without the command of the store.
    store = json.dumps({"krcloud_credentials_store": {"path": STORE}})
    by_hand = f"!ROTATED_BEFORE={now()['ROTATED_BEFORE']} rotation rotate.yml -e '{store}' "
    by_hand += f"--vault-password-file {real.folder / 'passphrase'} >/dev/null"
    theirs = real.while_it_runs(by_hand, "commit --quiet --all --message Rotated-by-hand")
    rotate, _and, push = theirs[1:-1].rpartition(" && ")
    real.hook = f"{at(UNSENT, f'({rotate})')}; {at(SENT, f'(cd {real.colleague} && {push})')}"
    job = real.pipeline(7, env=now())
    assert job.status == 1, job.output
    assert set(real.branches()) == {"main", ASIDE}
    in_both = (passwords(real), passwords(real, ASIDE))
    assert live(simulator) == in_both[1]
    assert not set(before.values()) & {password for store in in_both for password in store.values()}
    assert in_both[0] != in_both[1]

    # What the guide says: rotate all with the store of the branch, then delete the other.
    real.hook = ""
    together = real.pipeline(8, env=now())
    assert "failed=0" in together.output
    assert live(simulator) == passwords(real)
    git(real.bare, "branch", "--quiet", "--delete", "--force", ASIDE)
    assert real.pipeline(9).status == 0
