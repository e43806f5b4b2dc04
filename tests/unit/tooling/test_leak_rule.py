# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of violation is found, wherever users copy from, and the right way to do it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tooling import leak_rule, tree

LOOKUP = "{{ lookup('krcloud.credentials.dataforest_credential', 'df001', store=store) }}"

REFUSED = {
    "a key in the environment of a task": (
        """
        - name: List
          krcloud.credentials.ncp_dataforest_account_info:
          environment:
            NCLOUD_SECRET_KEY: "{{ key }}"
        """,
        "2: environment holds NCLOUD_SECRET_KEY, which -vvv prints: use a profile file or module_defaults.",
    ),
    "a key in the environment of a play": (
        """
        - name: Play
          hosts: localhost
          environment:
            - SOLAPI_API_SECRET: "{{ key }}"
        """,
        "2: environment holds SOLAPI_API_SECRET, which -vvv prints: use a profile file or module_defaults.",
    ),
    "a token in the environment of a block": (
        """
        - name: Block
          environment: {VAULT_TOKEN: "{{ token }}"}
          block: []
        """,
        "2: environment holds VAULT_TOKEN, which -vvv prints: use a profile file or module_defaults.",
    ),
    "a lookup in the environment": (
        f"""
        - name: Log in
          ansible.builtin.command: ./login
          environment:
            PASSWORD: "{LOOKUP}"
          no_log: true
        """,
        "2: environment holds a password of a lookup, which -vvv prints: use a file or stdin.",
    ),
    "async": (
        """
        - name: List
          krcloud.credentials.ncp_dataforest_account_info:
          async: 60
        """,
        "2: async keeps the result in a file on the host: leave it out and use concurrency.",
    ),
    "a short-lived key that is printed": (
        """
        - name: Get keys
          krcloud.credentials.ncp_sts_credentials:
          register: sts
        - name: Show them
          ansible.builtin.debug:
            msg: "{{ sts.access_key }} {{ sts.secret_key }}"
          no_log: true
        """,
        "5: debug prints a password of a lookup: show the name of the account.",
    ),
    "a cached lookup": (
        f"""
        - name: Keep
          ansible.builtin.set_fact:
            cacheable: true
            found: "{LOOKUP}"
          no_log: true
        """,
        "2: The fact cache would hold found in clear text: leave out cacheable.",
    ),
    "a cached secret": (
        """
        - name: Keep
          ansible.builtin.set_fact:
            cacheable: true
            kept: "{{ passwords.df001 }}"
        """,
        "2: The fact cache would hold kept in clear text: leave out cacheable.",
    ),
    "a password in clear text": (
        """
        - name: Set
          krcloud.credentials.ncp_dataforest_password:
            accounts:
              - name: df001
                password: !unsafe 'Invented-1'
        """,
        "2: password is in clear text, where errors may print it: use a vault.",
    ),
    "a number in clear text": (
        """
        - name: Set
          krcloud.credentials.ncp_dataforest_password:
            name: df001
            password: 12345678
        """,
        "2: password is in clear text, where errors may print it: use a vault.",
    ),
    "a key in clear text among the defaults": (
        """
        - name: Play
          hosts: localhost
          module_defaults:
            group/krcloud.credentials.solapi:
              api_secret: invented
        """,
        "2: api_secret is in clear text, where errors may print it: use a vault.",
    ),
    "a key in clear text for a role": (
        """
        - name: Play
          hosts: localhost
          roles:
            - role: krcloud.credentials.ncp_dataforest_rotation
              vars:
                ncp_dataforest_rotation_secret_key: invented
        """,
        "5: ncp_dataforest_rotation_secret_key is in clear text, where errors may print it: use a vault.",
    ),
    "a lookup in a name": (
        f"""
        - name: Log in with {LOOKUP}
          ansible.builtin.debug:
          no_log: true
        """,
        "2: name holds a password of a lookup and is printed: leave it out.",
    ),
    "a lookup in when": (
        """
        - name: Go on
          ansible.builtin.meta: noop
          when: query('krcloud.credentials.dataforest_credential', 'df001', store=store) | length > 0
          no_log: true
        """,
        "2: when holds a lookup of a password, which it may print: read it in an option, with no_log.",
    ),
    "a lookup in a loop": (
        f"""
        - name: Log in
          ansible.builtin.include_tasks: login.yml
          loop: "{LOOKUP}"
        """,
        "2: loop holds a lookup of a password, which it may print: read it in an option, with no_log.",
    ),
    "a lookup in debug": (
        f"""
        - name: Show
          ansible.builtin.debug:
            msg: "{LOOKUP}"
          no_log: true
        """,
        "2: debug prints a password of a lookup: show the name of the account.",
    ),
    "a variable made of a lookup in debug": (
        f"""
        - name: Show
          ansible.builtin.debug:
            var: found
          no_log: true
          vars:
            read: "{LOOKUP}"
            found: "{{{{ read }}}}"
        """,
        "2: debug prints a password of a lookup: show the name of the account.",
    ),
    "a lookup in cmd": (
        f"""
        - name: Log in
          ansible.builtin.command:
            cmd: ./login {LOOKUP}
          no_log: true
        """,
        "2: The list of processes shows the password of a lookup: hand it over by stdin.",
    ),
    "a lookup in argv": (
        f"""
        - name: Log in
          ansible.builtin.command:
            argv: [./login, "{LOOKUP}"]
          no_log: true
        """,
        "2: The list of processes shows the password of a lookup: hand it over by stdin.",
    ),
    "a lookup in a command of one line": (
        f"""
        - name: Log in
          ansible.builtin.shell: ./login {LOOKUP}
          no_log: true
        """,
        "2: The list of processes shows the password of a lookup: hand it over by stdin.",
    ),
    "a lookup without no_log": (
        f"""
        - name: Write
          ansible.builtin.copy:
            content: "{LOOKUP}"
            dest: password
        """,
        "2: ansible.builtin.copy gets a password of a lookup and may print it: add no_log: true.",
    ),
    "a variable made of a lookup without no_log": (
        f"""
        - name: Fix
          ansible.builtin.set_fact:
            fixed: "{LOOKUP}"
          no_log: true
        - name: Compare
          ansible.builtin.assert:
            that: fixed == other
        """,
        "6: ansible.builtin.assert gets a password of a lookup and may print it: add no_log: true.",
    ),
    "no_log that is switched off again": (
        f"""
        - name: Block
          no_log: true
          block:
            - name: Write
              no_log: false
              ansible.builtin.copy:
                content: "{LOOKUP}"
                dest: password
        """,
        "5: ansible.builtin.copy gets a password of a lookup and may print it: add no_log: true.",
    ),
    "a template in a command": (
        """
        - name: Log in
          ansible.builtin.command: ./login {{ ncp_dataforest_rotation_account.name }}
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a template in cmd": (
        """
        - name: Log in
          ansible.builtin.command:
            cmd: ./login {{ item }}
            stdin: yes
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a template in a shell, by its short name": (
        """
        - name: Log in
          shell: ./login {{ item }}
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a template in a script": (
        """
        - name: Log in
          ansible.builtin.script:
            cmd: login.sh {{ item }}
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a template for a program that is asked": (
        """
        - name: Log in
          ansible.builtin.expect:
            command: ./login {{ item }}
            responses: {}
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a template for a shell in argv": (
        """
        - name: Log in
          ansible.builtin.command:
            argv: [bash, -c, "./login {{ item }}"]
        """,
        "2: A template in a command line may become code: use ansible.builtin.command with argv.",
    ),
    "a password on its way to a host": (
        f"""
        - name: Log in
          ansible.builtin.uri:
            url: https://jobs.example.com
            body: "{LOOKUP}"
          no_log: true
        """,
        "2: A file on the host would hold the options, with a password: add ansible_pipelining: true to vars.",
    ),
    "a command line that a lookup runs": (
        """
        - name: Log in
          ansible.builtin.debug:
            msg: "{{ lookup('ansible.builtin.pipe', './login ' ~ item) }}"
        """,
        "2: A lookup builds the command line that it runs: use ansible.builtin.command with argv.",
    ),
}

ALLOWED = {
    "templates in argv": """
        - name: Log in
          ansible.builtin.command:
            argv: [./login, "{{ item }}"]
            chdir: "{{ playbook_dir }}"
        """,
    "a command line without templates": """
        - name: Log in
          ansible.builtin.shell: ./login <password
        - name: Show
          ansible.builtin.debug:
            msg: >-
              {{ lookup('pipe', 'date') }} {{ query('ansible.builtin.lines', "date", wantlist=True) }}
        """,
    "the way of the guide": f"""
        - name: Feed a password to a program
          ansible.builtin.command:
            cmd: ./login df001
            stdin: "{LOOKUP}"
          no_log: true
          vars:
            ansible_pipelining: true
        """,
    "no_log of the block": f"""
        - name: Block
          no_log: true
          block:
            - name: Write
              ansible.builtin.copy:
                content: "{LOOKUP}"
                dest: password
        """,
    "a lookup for a module of ours": f"""
        - name: Set
          krcloud.credentials.ncp_dataforest_password:
            name: df001
            password: "{LOOKUP}"
        """,
    "variables of a vault": """
        - name: Set
          krcloud.credentials.ncp_dataforest_password:
            name: df001
            password: "{{ passwords.df001 }}"
          vars:
            secret_key: !vault |
              $ANSIBLE_VAULT;1.1;AES256
        """,
    "what only goes by the name": """
        - name: Keep
          ansible.builtin.set_fact:
            cacheable: true
            kept: "{{ solapi_password_reset_summary }}"
        """,
    "a file of variables": """
        passwords:
          df001: 'Invented-1'
        """,
    "an identifier in the environment": """
        - name: List
          krcloud.credentials.ncp_dataforest_account_info:
          environment:
            NCLOUD_PROFILE: analytics
        """,
}

SPEC = """\
argument_specs:
  main:
    options:
      solapi_password_reset_store:
        type: dict
      solapi_password_reset_api_secret:
        type: str
        no_log: true
"""


def said(file: str, text: str) -> list[str]:
    return list(leak_rule.findings([leak_rule.Source(file, 0, text)]))


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=list(REFUSED))
def test_it_refuses(text: str, expected: str) -> None:
    assert said("playbooks/planted.yml", text) == [f"playbooks/planted.yml:{expected}"]


@pytest.mark.parametrize("text", ALLOWED.values(), ids=list(ALLOWED))
def test_it_allows(text: str) -> None:
    assert said("playbooks/planted.yml", text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("type: str", "type: raw", "make it a str without choices"),
        ("type: str", "type: str\n        choices: [a, b]", "make it a str without choices"),
        ("no_log: true", "no_log: false", "add no_log: true"),
        ("type: dict", "type: dict\n        options:\n          token:\n            type: str", "no suboptions"),
    ],
)
def test_it_refuses_an_option_of_a_role_that_ansible_core_would_quote(old: str, new: str, expected: str) -> None:
    file = "roles/solapi_password_reset/meta/argument_specs.yml"
    assert said(file, SPEC) == []
    (sentence,) = said(file, SPEC.replace(old, new))
    assert sentence.endswith(f"{expected}.")


def test_passwords_of_a_role_are_known_to_the_task_files_of_its_users() -> None:
    role = leak_rule.Source("roles/r/tasks/main.yml", 0, f'- name: Go\n  vars:\n    handed: "{LOOKUP}"\n')
    hook = leak_rule.Source("README.md", 9, "- name: Go\n  ansible.builtin.copy:\n    content: '{{ handed }}'\n")
    assert list(leak_rule.findings([role, hook])) == [
        "README.md:10: ansible.builtin.copy gets a password of a lookup and may print it: add no_log: true."
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("docs/docsite/rst/planted.rst", ".. code-block:: yaml\n\n   ", "\nEnd\n"),
        ("README.ko.md", "```yaml\n", "\n```\n"),
        ("roles/planted/README.md", "```yaml\n", "\n```\n"),
        ("roles/planted/README.md", "- An item:\n\n  ```yaml\n  ", "\n  ```\n"),
        ("plugins/lookup/planted.py", 'EXAMPLES = r"""\n', '\n"""\n'),
        ("plugins/filter/planted.yml", "EXAMPLES: |\n  ", "\n"),
        ("tests/demo/planted.yml", "\n", "\n"),
    ],
)
def test_it_looks_wherever_users_copy_from(tmp_path: Path, name: str, before: str, after: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"\n{before}- {{krcloud.credentials.ncp_dataforest_rotation: , async: 9}}{after}", encoding="utf-8")
    line = 2 + before.count("\n")
    assert [found.partition(": ")[0] for found in leak_rule.findings(leak_rule.sources(tmp_path, [name]))] == [
        f"{name}:{line}"
    ]


def test_what_leaks_on_purpose_says_so(tmp_path: Path) -> None:
    block = "```yaml\n# This leaks: try it with an invented password.\n- {krcloud.credentials.x: , async: 9}\n```\n"
    (tmp_path / "README.md").write_text(block, encoding="utf-8")
    assert list(leak_rule.sources(tmp_path, ["README.md"])) == []


def test_it_knows_every_secret_of_the_collection() -> None:
    options = {"api_secret", "jwt", "password", "secret_id", "secret_key", "token", "token_code"}
    ncp = {"NCLOUD_SECRET_ACCESS_KEY", "NCLOUD_SECRET_KEY"}
    assert options == leak_rule.SECRET_OPTIONS
    assert {"BAO_TOKEN", "SOLAPI_API_SECRET", "VAULT_TOKEN", *ncp} == leak_rule.SECRET_VARIABLES


def test_the_project_keeps_the_rule() -> None:
    found = list(leak_rule.sources(tree.ROOT, [path.as_posix() for path in tree.files()]))
    places = {"README.md", "README.ko.md", "docs", "extensions", "playbooks", "plugins", "roles", "tests"}
    assert {source.file.partition("/")[0] for source in found} == places
    assert list(leak_rule.findings(found)) == []
