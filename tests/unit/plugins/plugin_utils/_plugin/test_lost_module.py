# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""It counts as certain that a module never began only if that is proven."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError

from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.lost_module import (
    failure_of_exception,
    failure_of_result,
)

SECRET = "Invented-1x"
SHOW = Redactor([SECRET]).foreign_text
MAYBE = "unknown_outcome"
NOT_BEGUN = ("configuration", "transport")
TOO_OLD = "ansible-core requires a minimum of Python version 3.8. Current version: 3.7.16"
TOO_OLD_NOW = "Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18"

# What Python 3.7 prints about ansible-core, and the same about a file that only the module imports.
UNREAD = """Traceback (most recent call last):
  File "<stdin>", line 260, in _ansiballz_main
  File "<stdin>", line 138, in invoke_module
  File "/tmp/a_payload.zip/ansible/module_utils/_internal/__init__.py", line 20
    def import_controller_module(_module_name: str, /) -> t.Any:
                                                    ^
SyntaxError: invalid syntax
"""
UNREAD_LATER = UNREAD.replace(
    "/ansible/module_utils/_internal/__init__.py", "/krcloud/credentials/plugins/modules/a.py"
)


def missing(rc: int | None, errors: str = "", output: str = "") -> dict[str, Any]:
    """What ansible-core makes of a module that has left no result."""
    said = {"module_stdout": output, "module_stderr": errors, "rc": rc}
    return {"failed": True, "msg": "Module result deserialization failed.", "_ansible_parsed": False, **said}


RESULTS = [
    (missing(127, "/bin/sh: 1: /opt/none: not found\n"), "configuration", "/opt/none: not found."),
    (missing(126, "/bin/sh: 1: /opt/file: Permission denied\n"), "configuration", "Permission denied."),
    (missing(127, output="/bin/sh: /opt/none: No such file\r\n"), "configuration", "No such file."),
    # A wrapper that runs the module, and then something that does not exist.
    (missing(127, "cleanup: not found\n", '{"accounts": [{"outcome": "reset"'), MAYBE, "cleanup: not found."),
    (missing(1, "sudo: unknown user nobody2\n"), MAYBE, "sudo: unknown user nobody2."),
    (missing(137, "Killed\n"), MAYBE, "(exit status 137): Killed."),
    (missing(-9), MAYBE, "The module returned no result (exit status -9)."),
    (missing(0, output="bye\n"), MAYBE, "bye."),
    (missing(0, output='{"talk": 1}\n{"changed": true}'), MAYBE, "(exit status 0)"),
    (missing(None), MAYBE, "(exit status None)."),
    (missing(255, "Connection closed"), MAYBE, "Connection closed."),
    (missing(1, UNREAD), "configuration", "SyntaxError: invalid syntax."),
    (missing(1, UNREAD_LATER), MAYBE, "SyntaxError: invalid syntax."),
    (missing(1, UNREAD, "{"), MAYBE, "SyntaxError: invalid syntax."),
    (missing(1, f"{'x' * 9000}\nthe end"), MAYBE, "x the end."),
    ({"failed": True, "msg": TOO_OLD}, "configuration", "Current version: 3.7.16."),
    ({"failed": True, "msg": TOO_OLD_NOW}, "configuration", "Current version: 3.8.18."),
]


@pytest.mark.parametrize(("result", "kind", "says"), RESULTS)
def test_a_result_that_is_missing(result: dict[str, Any], kind: str, says: str) -> None:
    failure = failure_of_result(result, SHOW, changes=True)
    assert failure
    assert (failure.kind, failure.message.endswith(says) or says in failure.message) == (kind, True), failure.message


@pytest.mark.parametrize(("result", "kind", "says"), RESULTS)
def test_a_module_that_only_reads_leaves_nothing_unknown(result: dict[str, Any], kind: str, says: str) -> None:
    failure = failure_of_result(result, SHOW, changes=False)
    assert failure
    assert failure.kind in NOT_BEGUN
    assert says in failure.message


REPORTED = [
    {"changed": False, "accounts": []},
    {"failed": True, "msg": "no", "error": {"kind": "rejected", "message": "no"}},
    # The options are refused by ansible-core, in the module.
    {"failed": True, "msg": "Unsupported parameters for (ncp_dataforest_password) module: pasword."},
    {"failed": True, "msg": f"Said: {TOO_OLD}"},
    {},
]


@pytest.mark.parametrize("result", REPORTED)
def test_a_result_that_is_there(result: dict[str, Any]) -> None:
    assert failure_of_result(result, SHOW, changes=True) is None


@pytest.mark.parametrize("result", [{}, {"changed": False}, {"talk": "of the weather"}])
def test_what_something_else_has_printed_is_not_a_result(result: dict[str, Any]) -> None:
    failure = failure_of_result(result, SHOW, changes=True, expected="accounts")
    assert failure
    assert failure.kind == MAYBE


def test_a_result_with_all_that_it_should_have() -> None:
    for result in ({"accounts": []}, {"failed": True, "msg": "refused", "error": {}}):
        assert failure_of_result(result, SHOW, changes=True, expected="accounts") is None


@pytest.mark.parametrize(
    ("error", "begun", "kind"),
    [
        (AnsibleConnectionFailure("Failed to connect to the host via ssh: refused"), False, "transport"),
        (AnsibleConnectionFailure("Data could not be sent to remote host"), True, MAYBE),
        (AnsibleConnectionFailure("Timed out waiting for become success"), True, MAYBE),
        (AnsibleAuthenticationFailure("Invalid/incorrect password"), True, "transport"),
        (AnsibleError("Failed to set permissions on the temporary files"), False, "configuration"),
        (AnsibleError("Missing sudo password"), True, "configuration"),
        (AnsibleError("Incorrect su password"), True, "configuration"),
        (AnsibleError("Task failed: Premature end of stream waiting for become success."), True, "configuration"),
        (AnsibleError("Something else"), True, MAYBE),
        (OSError("Broken pipe"), True, MAYBE),
        (OSError("Broken pipe"), False, "configuration"),
        (ValueError("not an integer"), True, MAYBE),
    ],
)
def test_an_exception(error: Exception, begun: bool, kind: str) -> None:
    failure = failure_of_exception(error, SHOW, begun=begun, changes=True)
    assert failure.kind == kind
    assert str(error).rstrip(".") in failure.message
    assert failure_of_exception(error, SHOW, begun=begun, changes=False).kind in NOT_BEGUN


@pytest.mark.parametrize("said", [SECRET, SECRET[:7], "Invented-1x\nand more", "\x1b[31mInvented-1x"])
def test_what_the_host_says_is_masked_and_made_one_line(said: str) -> None:
    for failure in (
        failure_of_result(missing(1, f"pasted {said}"), SHOW, changes=True),
        failure_of_exception(AnsibleError(f"pasted {said}"), SHOW, begun=True, changes=True),
    ):
        assert failure
        assert "pasted" in failure.message
        assert SECRET[:7] not in failure.message
        assert failure.message.isprintable()


def test_a_long_output_is_cut() -> None:
    failure = failure_of_result(missing(1, "x" * 100_000), SHOW, changes=True)
    assert failure
    assert len(failure.message) < 1000
