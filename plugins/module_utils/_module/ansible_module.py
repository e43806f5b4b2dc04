# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AnsibleModule of this collection: nothing leaves it unredacted, and every failure is one clear sentence.

`no_log` masks only the exact text of an option, but anywhere, even in words that decide what becomes of a task. On
ansible-core 2.19 to 2.21 it does not reach warnings and exceptions, and 2.22 masks on the controller instead. So
everything that a module says is masked here, before Ansible sees it.

This overrides three private methods of ansible-core's `AnsibleModule` (lib/ansible/module_utils/basic.py, ansible-core
2.19 to 2.22): `_load_params` reads the options, `_log_invocation` logs them, and `_record_module_result` prints the
result that `_return_formatted` has completed. `test_core_parts.py` notices when one of them changes.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, FrozenSet, Mapping, NoReturn, Optional, Set

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, wire
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._module import arguments, specs


class RedactingModule(AnsibleModule):
    """An AnsibleModule that masks every secret it was given, in everything that it returns, warns about and logs."""

    def __init__(self, argument_spec: Spec, **kwargs: Any) -> None:
        self.redactor = redaction.Redactor()
        self._refused: Optional[errors.ConfigurationError] = None
        self._taken_apart = False
        self.given: FrozenSet[str] = frozenset()  # the options that the user wrote, those without a value too
        self._said: Dict[str, Any] = {}  # the result, masked, as it was handed to core
        super().__init__(argument_spec=argument_spec, **kwargs)
        if self._taken_apart:
            arguments.learn(self.redactor, self.argument_spec, self.params)
        alike = arguments.leave_identifiers(self.redactor, self.argument_spec, self.params)
        if alike:
            self.warn(alike)
        if not self._refused and "api_url" in self.params:
            self._check_address()
        if self._refused:
            self.finish(self._refused.as_failure())

    def _load_params(self) -> None:
        # The only moment between reading the options and the first message about them.
        super()._load_params()
        self.given = frozenset(self.params)
        arguments.learn(self.redactor, self.argument_spec, self.params)
        self._taken_apart = arguments.written_as_text(self.argument_spec, self.params)
        self.redactor.add(*specs.secrets_in_addresses(self.argument_spec, os.environ))
        try:
            arguments.check_rows(self.argument_spec, self.params)
            arguments.check_keys(self.argument_spec, self.params)
            arguments.check_quoted(self.argument_spec, self.params)
            arguments.check_numbers(self.argument_spec, self.params)
        except errors.ConfigurationError as refused:
            # ansible-core has to validate first, as it cannot fail before. Some numbers make it crash, so they go.
            self._refused = refused
            for name, option in self.argument_spec.items():
                if option["type"] in ("int", "float"):
                    self.params.pop(name, None)

    def _check_address(self) -> None:
        # Only here it is known where the address comes from.
        try:
            address.check_api_url(self.params["api_url"], specs.called("api_url", self.argument_spec, self.given))
        except errors.ConfigurationError as refused:
            self._refused = refused

    def run(self, body: Callable[[], Mapping[str, Any]]) -> NoReturn:
        """Exit with what ``body`` returns, or fail with what it raises. A result that holds ``failed`` fails."""
        try:
            if wire.REQUESTS_IMPORT_ERROR:
                raise _missing_requests()
            result = dict(body())
        except errors.KrcloudError as error:
            result = error.as_failure()
        except SystemExit:
            raise
        except wire.RequestsMissing:
            result = _missing_requests().as_failure()
        except BaseException as error:
            result = errors.internal_error(error).as_failure()
        self.finish(result)

    def finish(self, result: Mapping[str, Any]) -> NoReturn:
        """Exit with a result, or fail if it holds ``failed``."""
        if result.get("failed"):
            self.fail_json(**result)
        self.exit_json(**result)

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """Return a masked result."""
        super().exit_json(**self._masked(kwargs))

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Fail with a masked result. An exception object is dropped: ansible-core would print it without `no_log`."""
        kwargs.pop("exception", None)
        if self._refused:
            # The message of ansible-core about the same options is less clear.
            msg, kwargs = self._refused.sentence(), {"error": self._refused.as_dict()}
        super().fail_json(self.redactor.text(str(msg)), **self._masked(kwargs))

    def warn(self, warning: str, **kwargs: Any) -> None:
        """Warn, masked."""
        super().warn(self.redactor.text(str(warning)), **self.redactor.value(kwargs))

    def deprecate(
        self,
        msg: str,
        version: Optional[str] = None,
        date: Optional[str] = None,
        collection_name: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        """Deprecate, masked."""
        masked = self.redactor.text(str(msg))
        super().deprecate(masked, version=version, date=date, collection_name=collection_name, **kwargs)

    def error_as_warning(self, msg: Optional[str], exception: BaseException, **kwargs: Any) -> None:
        """Warn about an exception by its type and masked text."""
        self.warn(f"{msg or 'Warning'}: {type(exception).__name__}: {exception}", **kwargs)

    def log(self, msg: str, log_args: Optional[Mapping[str, Any]] = None) -> None:
        """Write to syslog, masked: ansible-core looks for the secrets only as they are, not in their repr."""
        masked = _readable(self.redactor.value(log_args)) if log_args else log_args
        super().log(_readable(self.redactor.text(str(msg))), log_args=masked)

    def _log_invocation(self) -> None:
        # ansible-core looks for each secret in each option and logs lists in full: too slow with thousands of accounts.
        shown = arguments.hidden(self.argument_spec, self.params).items()
        log_args = {name: f"{len(value)} rows" if isinstance(value, list) else str(value) for name, value in shown}
        self.log("Invoked with " + " ".join(f"{name}={value}" for name, value in log_args.items()), log_args)

    def _masked(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        result: Dict[str, Any] = self.redactor.value(kwargs)
        result["invocation"] = {"module_args": self.redactor.value(arguments.hidden(self.argument_spec, self.params))}
        # What ansible-core would still find of them are words and identifiers that must stay readable.
        self.no_log_values: Set[str] = set()
        self._said = result
        return result

    def _record_module_result(self, o: Dict[str, Any]) -> None:
        # The last gate, for what ansible-core adds by itself: its own warnings and tracebacks.
        # `_ansible_new_secrets` is how ansible-core 2.22 tells the controller what to mask. When the output holds
        # anything besides the result, ansible-core prints all of it. So our actions tell the controller themselves.
        o.pop("_ansible_new_secrets", None)
        masked = {name: value for name, value in o.items() if name in self._said and value == self._said[name]}
        masked.update(self.redactor.value({name: value for name, value in o.items() if name not in masked}))
        super()._record_module_result(_readable(masked))


def _readable(value: Any) -> Any:
    """Return a result without lone surrogates: ansible-core can neither log nor read back a result with any."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, (list, tuple)) else value


def _missing_requests() -> errors.KrcloudError:
    return errors.ConfigurationError(
        missing_required_lib("requests", url="https://requests.readthedocs.io/").rstrip(".") + ".",
        hint=f"Install it for that interpreter with '{sys.executable} -m pip install requests', or run the task where "
        "it is installed (delegate_to: localhost, with ansible_python_interpreter set to ansible_playbook_python).",
    )
