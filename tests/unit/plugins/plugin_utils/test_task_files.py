# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which task files the roles refuse before anything changes."""

from __future__ import annotations

from textwrap import indent

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._task_files import paths, trouble

TASK = "- name: Log in\n  ansible.builtin.debug:\n"
IDLE = "contains no task."
SKIPPED = "contains a task that --skip-tags leaves out."
ENDS = "ends the play, the host or the role with ansible.builtin.meta"
NAMES = "contains a task whose name has a password in it"
NEVER = "contains only tasks with the tag never"


def said(text: str, *, skip_tags: tuple[str, ...] = (), run_tags: tuple[str, ...] = ("all",)) -> str:
    return trouble({"a.yml": TASK, "b.yml": text}, otherwise="It would.", skip_tags=skip_tags, run_tags=run_tags)


def test_relative_paths_begin_at_the_folder_of_the_playbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    monkeypatch.setenv("WHERE", "below")
    given = ["a.yml", "", "~/b.yml", "$WHERE/c.yml", "/etc/d.yml", None]
    found = ["/plays/a.yml", "/home/user/b.yml", "/plays/below/c.yml", "/etc/d.yml"]
    assert paths(given, folder="/plays") == found


def test_what_is_not_a_text_is_not_left_out() -> None:
    assert paths([["a.yml"], True, []], folder="/plays") == ["/plays/['a.yml']", "/plays/True", "/plays/[]"]


@pytest.mark.parametrize("text", ["", "---\n# Later\n  # and so on\n...\n", "---\n[]\n", "---\n[\n# Later\n]\n"])
def test_a_file_without_a_task_is_refused(text: str) -> None:
    assert said(text) == (
        "b.yml contains no task. It would. Correct the file, or, if it has nothing to do, remove the variable that "
        "names it. No password was changed."
    )


@pytest.mark.parametrize(
    ("tags", "skipped", "refused"),
    [
        ("tags: slow", ("slow",), True),
        ("tags: [quick, slow]", ("slow",), True),
        ("tags: slow", ("tagged",), True),
        ("tags: slow", ("all",), True),
        ("tags: slow-one", ("slow", "one", "s.ow"), False),
        ("when: true", ("tagged",), False),
        ("tags: slow", (), False),
    ],
)
def test_a_file_with_a_task_that_is_skipped_is_refused(tags: str, skipped: tuple[str, ...], refused: bool) -> None:
    assert (SKIPPED in said(f"{TASK}  {tags}\n", skip_tags=skipped)) is refused


@pytest.mark.parametrize(
    ("task", "refused"),
    [
        ("- ansible.builtin.meta: end_host", True),
        ("- {'meta': 'end_play'}", True),
        ("- action: meta end_role", True),
        ("- meta: end_batch", True),
        ("- meta: flush_handlers", False),
        ("# - meta: end_host", False),
    ],
)
def test_a_file_that_ends_the_run_is_refused(task: str, refused: bool) -> None:
    assert (ENDS in said(f"{TASK}{task}\n")) is refused


@pytest.mark.parametrize(
    ("variable", "refused"),
    [
        ("ncp_dataforest_password_password", True),
        ("ncp_dataforest_rotation_password", True),
        ("ncp_dataforest_rotation_passwords.df001", True),
        ("ncp_dataforest_password_account.name", False),
    ],
)
def test_a_file_that_shows_a_password_in_a_name_is_refused(variable: str, refused: bool) -> None:
    task = f"- name: Log in with {{{{ {variable} }}}}\n  ansible.builtin.debug:\n"
    block = "- block:\n" + indent(TASK, "  ") + "  rescue:\n" + indent(task, "  ")
    assert (NAMES in said(task)) is refused
    assert (NAMES in said(block)) is refused
    # As the option of a module, it is not shown.
    assert said(f"- ansible.builtin.command:\n    name: '{{{{ {variable} }}}}'\n") == ""


def test_a_file_whose_tasks_never_run_is_refused() -> None:
    never = f"{TASK}  tags: never\n{TASK}  tags: [slow, never]\n"
    assert NEVER in said(never)
    assert said(never + TASK) == ""
    # Whoever names tags knows which tasks run.
    assert said(never, run_tags=("never",)) == ""


@pytest.mark.parametrize(
    "text", ["- a: b: c\n", "- [\n", "hosts: all\n", "- text\n", "- a: 2026-02-31\n  ? [b]\n  : c\n"]
)
def test_a_file_that_is_wrong_in_another_way_is_left_to_ansible(text: str) -> None:
    assert said(text) == ""


def test_values_with_a_tag_are_read() -> None:
    tagged = f"{TASK}  vars:\n    a: !unsafe '{{{{'\n    b: !vault |\n      $ANSIBLE_VAULT\n    c: !new [1]\n"
    assert said(tagged) == ""
    assert NEVER in said(f"{tagged}  tags: never\n")
