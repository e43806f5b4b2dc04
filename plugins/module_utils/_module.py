# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The AnsibleModule of this collection: nothing leaves it unredacted, and every failure is one clear sentence.

`no_log` masks only the exact text of an option. On ansible-core 2.19 to 2.21 it does not reach warnings and
exceptions at all, and 2.22 does its masking elsewhere. So all that a module says is masked here, before Ansible
sees it, and `no_log` stays as the second line.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NoReturn, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import (
    ConfigurationError,
    KrcloudError,
    internal_error,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._http import Caller, Limits, Pace
from ansible_collections.krcloud.credentials.plugins.module_utils._options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._redaction import (
    SHORTEST_SECRET,
    Redactor,
    url_secrets,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._transport import (
    REQUESTS_IMPORT_ERROR,
    RequestsTransport,
)

_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class RedactingModule(AnsibleModule):
    """An AnsibleModule that masks every secret it was given, in all that it returns, warns of and logs."""

    def __init__(self, argument_spec: Spec, **kwargs: Any) -> None:
        self.redactor = Redactor()
        self._unquoted: List[Tuple[str, str]] = []
        super().__init__(argument_spec=argument_spec, **kwargs)
        # Once more: a list that was written as JSON text has only now been taken apart.
        self.redactor.add(
            *(value for _path, value in _secrets(self.argument_spec, self.params) if isinstance(value, str))
        )
        for path, kind in self._unquoted:
            unquoted = ConfigurationError(
                f"{path} is not a string: YAML made it {kind}.",
                hint="Put it in quotes, so that the value used is the one written.",
            )
            self.finish(unquoted.as_failure())

    def _load_params(self) -> None:
        # The one moment between reading the arguments and the first message about them.
        super()._load_params()
        for path, value in _secrets(self.argument_spec, self.params):
            self.redactor.add(*_strings(value))
            if not isinstance(value, str) and value is not None:
                self._unquoted.append((path, _kind(value)))
        self.redactor.add(*_strays(self.argument_spec, self.params))
        proxies = [value for name, value in os.environ.items() if name.lower().endswith("_proxy")]
        for url in (*proxies, *(value for value in self.params.values() if isinstance(value, str))):
            self.redactor.add(*url_secrets(url))

    def run(self, body: Callable[[], Mapping[str, Any]]) -> NoReturn:
        """Exit with what ``body`` returns, or fail with what it raises. A result that holds ``failed`` fails."""
        try:
            if REQUESTS_IMPORT_ERROR:
                raise _missing_requests()
            result = dict(body())
        except KrcloudError as error:
            result = error.as_failure()
        except SystemExit:
            raise
        except BaseException as error:
            result = internal_error(error).as_failure()
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
        """Fail with a masked result. An exception object stops here: core would print it past `no_log`."""
        kwargs.pop("exception", None)
        super().fail_json(self.redactor.text(str(msg)), **self._masked(kwargs))

    def warn(self, warning: str, **kwargs: Any) -> None:
        """Warn, masked."""
        super().warn(self.redactor.text(str(warning)), **self.redactor.value(kwargs))

    def deprecate(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Deprecate, masked."""
        super().deprecate(self.redactor.text(str(msg)), *args, **kwargs)

    def error_as_warning(self, msg: Optional[str], exception: BaseException, **kwargs: Any) -> None:
        """Warn of an exception by its type and masked text."""
        self.warn(f"{msg or 'Warning'}: {type(exception).__name__}: {exception}", **kwargs)

    def log(self, msg: str, log_args: Optional[Mapping[str, Any]] = None) -> None:
        """Write to syslog, masked: core knows the option values only as they are, not as their repr."""
        super().log(self.redactor.text(str(msg)), log_args=self.redactor.value(log_args) if log_args else log_args)

    def _masked(self, kwargs: Dict[str, Any]) -> Dict[str, Any]:
        # Core replaces no_log values wherever they occur. A very short one would shred all else that is said.
        self.no_log_values = {value for value in self.no_log_values if len(value) >= SHORTEST_SECRET}
        result: Dict[str, Any] = self.redactor.value(kwargs)
        result["invocation"] = {"module_args": self.redactor.value(_hidden(self.argument_spec, self.params))}
        return result

    def _record_module_result(self, o: Dict[str, Any]) -> None:
        # The last gate, for what core adds by itself: its own warnings and tracebacks.
        # `_ansible_new_secrets` is how ansible-core 2.22 tells the controller what to mask: it never gets printed.
        masked = self.redactor.value({key: value for key, value in o.items() if key != "_ansible_new_secrets"})
        super()._record_module_result({**o, **masked})


def caller_for(module: RedactingModule, connections: int = 1, pace: Optional[Pace] = None) -> Caller:
    """Return the way to the vendor that a module's connection options describe. Raises ConfigurationError."""
    options = module.params
    if not options["validate_certs"]:
        module.warn(
            "TLS certificates are not verified (validate_certs is false): "
            "whoever stands between can read and change what is sent."
        )
    transport = RequestsTransport(
        options["api_url"],
        validate_certs=options["validate_certs"],
        ca_path=options["ca_path"],
        connections=connections,
    )
    return Caller(
        transport, options["api_url"], Limits(options["timeout"], options["retries"], options["deadline"]), pace=pace
    )


def _missing_requests() -> KrcloudError:
    return ConfigurationError(
        missing_required_lib("requests", url="https://requests.readthedocs.io/"),
        hint=f"Install it for that interpreter with '{sys.executable} -m pip install requests', or run the task where "
        "it is installed (delegate_to: localhost, with ansible_python_interpreter set to ansible_playbook_python).",
    )


def _secrets(spec: Spec, params: Mapping[str, Any], prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """Yield path and raw value of every secret option, sub-options included."""
    for name, option in spec.items():
        if option.get("no_log"):
            yield prefix + name, params.get(name)
        for at, row in _rows(option, params.get(name)):
            if isinstance(row, Mapping):
                yield from _secrets(option["options"], row, f"{prefix}{name}[{at}].")


def _strays(spec: Spec, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield all text that stands where no option is: a misspelt option or a malformed row may hold a secret too."""
    for name, value in params.items():
        option = spec.get(name)
        if option is None and not name.startswith("_ansible_"):
            yield from _strings(value)
        for _at, row in _rows(option or {}, value):
            yield from _strays(option["options"], row) if option and isinstance(row, Mapping) else _strings(row)


def _rows(option: Mapping[str, Any], value: Any) -> Iterable[Tuple[int, Any]]:
    if not option.get("options") or value is None:
        return ()
    return enumerate(value if isinstance(value, list) else [value])


def _hidden(spec: Spec, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options with the values of secret and unknown ones taken out by name, not by what they hold."""
    shown: Dict[str, Any] = {}
    for name, value in params.items():
        option = spec.get(name)
        if value is None or (option and not option.get("no_log") and not option.get("options")):
            shown[name] = value
        elif option and option.get("options") and isinstance(value, list):
            shown[name] = [_hidden(option["options"], row) if isinstance(row, Mapping) else _HIDDEN for row in value]
        else:
            shown[name] = _HIDDEN
    return shown


def _strings(value: Any) -> List[str]:
    if isinstance(value, Mapping):
        return [text for pair in value.items() for item in pair for text in _strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _strings(item)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, (int, float)):
        return "a number"
    return (
        "a list"
        if isinstance(value, (list, tuple))
        else "a dictionary"
        if isinstance(value, Mapping)
        else f"a {type(value).__name__}"
    )
