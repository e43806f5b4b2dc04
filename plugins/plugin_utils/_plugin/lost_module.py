# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about a module of ours that has not reported a result. No I/O.

It says that a module never began only where that is proven: a caller that believes it forgets what was about to be
sent.

The proofs are texts of ansible-core 2.19 to 2.22 and the form of what `_parse_returned_data`
(lib/ansible/plugins/action/__init__.py) makes of an output that is no result. `test_core_parts.py` notices when they
change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    TransportError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import one_line

# The shell of the host could not execute the interpreter, or did not find it.
_NOT_EXECUTED = (126, 127)
# From the first lines of `ansible.module_utils.basic`, which run before any code of the module.
_PYTHON_TOO_OLD = re.compile(
    r"(ansible-core requires a minimum of Python version|Ansible requires Python) [\d.]+( or newer on the target)?\. "
    r"Current version: "
)
# From the plugins `local` and `ssh`, while they wait for `become`. The command is sent after that.
_NOT_BECOME = re.compile(
    r"(Missing|Incorrect) \w+ password"
    r"|(Premature end of stream|Duplicate become password prompt encountered) waiting for become success"
)
_LONGEST, _BEGINNING = 600, 200
_NEWER = "Set ansible_python_interpreter to a newer Python."
_INTERPRETER = "Check ansible_python_interpreter and become; ansible.builtin.ping must work there."
# With no_log, ansible-core leaves out what its own message is about.
_UNREACHED = "Check it with ansible.builtin.ping, which says more."
_MAYBE = "What it had begun may have been carried out."

Show = Callable[[str], str]
"""Masks secrets in a text that is not ours."""


def failure_of_result(
    result: Mapping[str, Any], show: Show, *, changes: bool, expected: str | None = None
) -> KrcloudError | None:
    """Return the error for a module that has not reported a result itself, or None if it has.

    ``changes`` says whether it may have changed something before it was lost. ``expected`` is the key that it returns
    whenever it succeeds.
    """
    if not result.get("failed") and expected and expected not in result:
        return _lost("The module returned no result, and Ansible took something else for one.", changes)
    if isinstance(result.get("error"), Mapping) or not result.get("failed"):
        return None
    if "module_stdout" not in result:
        # It has the form of a result, so it is from the module, or from the code of ansible-core before it.
        message = str(result.get("msg"))
        too_old = _sentence("The module did not begin", message, show)
        return ConfigurationError(too_old, hint=_NEWER) if _PYTHON_TOO_OLD.match(message) else None
    status, output = result.get("rc"), str(result.get("module_stdout") or "")
    said = str(result.get("module_stderr") or "").strip() or output.strip()
    if status in _NOT_EXECUTED and "{" not in output:
        return ConfigurationError(
            _sentence(f"The module did not begin (exit status {status})", said, show), hint=_INTERPRETER
        )
    if _not_understood(said) and "{" not in output:
        return ConfigurationError(_sentence("The module did not begin", said, show), hint=_NEWER)
    return _lost(_sentence(f"The module returned no result (exit status {status})", said, show), changes)


def _not_understood(said: str) -> bool:
    """Tell whether this is the traceback of a Python that cannot parse the code of ansible-core around the module."""
    last = said.rpartition("\n")[2]
    return last.startswith("SyntaxError: ") and " in _ansiballz_main" in said and "/plugins/modules/" not in said


def failure_of_exception(error: Exception, show: Show, *, begun: bool, changes: bool) -> KrcloudError:
    """Return the error for a module for which ansible-core raised an exception.

    ``begun`` says whether the connection had been given the command that starts the module.
    """
    said = str(error) if isinstance(error, AnsibleError) else f"{type(error).__name__}: {error}"
    lost = isinstance(error, AnsibleConnectionFailure)
    if isinstance(error, AnsibleAuthenticationFailure) or (not begun and lost):
        unreached = _sentence("The host could not be reached, and nothing was sent", said, show)
        return TransportError(unreached, hint=_UNREACHED)
    if not begun or (isinstance(error, AnsibleError) and not lost and _NOT_BECOME.search(said)):
        return ConfigurationError(_sentence("The module did not begin", said, show), hint=_INTERPRETER)
    what = "The connection to the host was lost" if lost else "The module was lost"
    return _lost(_sentence(what, said, show), changes)


def _lost(message: str, changes: bool) -> KrcloudError:
    return UnknownOutcomeError(message, hint=_MAYBE) if changes else TransportError(message, hint="Run the task again.")


def _sentence(what: str, said: str, show: Show) -> str:
    return f"{what}: {_shown(said, show)}" if said else f"{what}."


def _shown(said: str, show: Show) -> str:
    """Return foreign text as one line that ends like a sentence. A long text keeps both ends, which say why."""
    if len(said) > _LONGEST * 8:
        said = f"{said[: _LONGEST * 2]} … {said[-_LONGEST * 6 :]}"
    line = one_line(show(said), _LONGEST * 9)
    line = line if len(line) <= _LONGEST else f"{line[:_BEGINNING]} … {line[-(_LONGEST - _BEGINNING) :]}"
    return line if line.endswith((".", "!", "?")) else f"{line}."
