# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one store: where values come from, what is valid, and how a refusal says so."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._call.address import check_api_url
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.numbers import Range, check
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec, first_set
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import is_part


class Options(dict[str, Any]):
    """The options of a store, each with a value of its type or None, and where each came from.

    A value that was not given comes from the first of its ``variables`` that is set and not empty, or is the default.
    Besides what Ansible knows, the ``spec`` of an option may have these keys:

    - ``least`` and ``most``: the range of a number.
    - ``form``: what a text must look like, by its name in `FORMS`, which may also complete it.
    - ``needed_for``: the name of another option, and the values of that one with which this one must be set.

    Raises ConfigurationError, which quotes no value.
    """

    def __init__(
        self,
        kind: str,
        spec: Spec,
        variables: Mapping[str, tuple[str, ...]],
        given: Mapping[str, Any],
        environ: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._kind = kind
        self._spec = spec
        self._variables = variables
        self._from: dict[str, str] = {}
        for name, option in spec.items():
            value = given.get(name)
            if value is None:
                self._from[name], value = first_set(environ, variables.get(name, ()))
            self[name] = option.get("default") if value is None else self._checked(name, option, value)
        self._require(*(name for name, option in spec.items() if option.get("required")))
        for other in dict.fromkeys(option["needed_for"][0] for option in spec.values() if "needed_for" in option):
            needed = [name for name in spec if self[other] in spec[name].get("needed_for", ("", ()))[1]]
            self._require(*needed, reason=f" with {other} {self[other]}")

    def __repr__(self) -> str:
        return f"Options({self._kind!r})"

    @property
    def secrets(self) -> list[str]:
        """The values of the secret options."""
        return [self[name] for name, option in self._spec.items() if option.get("no_log") and self[name]]

    def called(self, name: str) -> str:
        """Return how messages call an option: by the place that its value came from."""
        if self._from.get(name):
            return f"the environment variable {self._from[name]}"
        return f"the option {name} of the store {self._kind}"

    def _require(self, *names: str, reason: str = "") -> None:
        """Raise ConfigurationError unless all of these options are set. ``reason`` begins with a blank."""
        missing = [name for name in names if not self[name]]
        if not missing:
            return
        words = "option" if len(missing) == 1 else "options"
        state = "it is not set" if len(missing) == 1 else "they are not set"
        variables = [variable for name in missing for variable in self._variables.get(name, ())]
        asked = f", nor is {either(variables)} set in the environment of the controller" if variables else ""
        raise ConfigurationError(
            f"The store {self._kind} needs the {words} {listed(missing)}{reason}, and {state}{asked}.",
            # A store is opened on the controller.
            hint="Set the option, or export the variable: the keyword environment does not reach the controller."
            if variables
            else None,
        )

    def _checked(self, name: str, option: Mapping[str, Any], value: Any) -> Any:
        called = self.called(name)
        called = called[0].upper() + called[1:]
        if option["type"] in ("int", "float"):
            whole = option["type"] == "int"
            check(called, value, Range(option["least"], option["most"], whole))
            return int(float(value)) if whole else float(value)
        if option["type"] == "bool" and isinstance(value, bool):
            return value
        if option["type"] == "list" and isinstance(value, list) and value and all(map(_is_argument, value)):
            return ["".join(each) for each in value]
        if option["type"] == "str" and isinstance(value, str) and value in option.get("choices", (value,)):
            # A copy: what a template returns carries tags that other libraries do not know.
            text = "".join(value)
            return FORMS[option["form"]](called, text) if "form" in option else text
        words = {"str": "text, in quotes", "bool": "true or false", "list": "a list of a program and its arguments"}[
            option["type"]
        ]
        allowed = either(option["choices"]) if "choices" in option else words
        raise ConfigurationError(f"{called} is not valid: it must be {allowed}.")


def _word(called: str, value: str) -> str:
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise ConfigurationError(
            f"{called} is not valid: it has blanks around it, or characters that cannot be part of such a value.",
            hint="Often a line break of the file it was read from.",
        )
    return value


def _url(called: str, value: str) -> str:
    return check_api_url(_word(called, value), called)


def _path(called: str, value: str) -> str:
    path = value.strip("/")
    if not all(is_part(part) for part in path.split("/")):
        raise ConfigurationError(
            f"{called} is not valid: it must be a path such as team/secrets, without blanks at its ends."
        )
    return path


def _is_argument(value: Any) -> bool:
    """Tell whether a value can be handed to a program."""
    if not isinstance(value, str):
        return False
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _file(called: str, value: str) -> str:
    try:
        os.fsencode(value)
        fits = not any(unicodedata.category(char) == "Cc" for char in value)
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise ConfigurationError(
            f"{called} is not valid: it has a line break or another character that cannot be part of a path.",
            hint="Often a line break of the file or variable it was read from.",
        )
    return os.path.expanduser(os.path.expandvars(value))


# ``word`` is one line of ASCII without blanks around it, ``url`` the address of a server, ``path`` one or several parts
# with slashes between them, and ``file`` a file of the controller, with ``~`` and variables expanded.
FORMS: Mapping[str, Callable[[str, str], str]] = {"word": _word, "url": _url, "path": _path, "file": _file}


def listed(names: Any) -> str:
    """Return names as a list in a sentence."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)


def either(names: Any) -> str:
    """Return names as a choice in a sentence."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else str(last)
