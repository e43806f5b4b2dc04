# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wrote, before Ansible validates it: where the secrets are, and which of them YAML has changed. Pure."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, names, numbers, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec

# Options that say whom a task is about. Users look for their values in its result.
_IDENTIFIERS = frozenset(("email", "id", "name", "profile"))
# Texts that YAML must not have made from something else: of a name like 00123 it makes 83, which is another account.
_EXACT = _IDENTIFIERS | {"access_key", "exclude", "hold_reason", "names", "serial_number"}
# What people often forget, by the option that they have in mind.
_EXAMPLES = {"name": ", such as '- name: df001'", "profile": ", such as '- profile: team-a'"}
# Keys that are not options and may be quoted: a text of these letters alone breaks the vendor's rules for passwords.
_MISSPELT = re.compile(r"[a-z_-]{1,40}")
_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# How many rows of a long list are shown: enough to recognize it.
_ROWS_SHOWN = 20


def learn(redactor: redaction.Redactor, spec: Spec, params: Mapping[str, Any]) -> None:
    """Tell a redactor every secret in the arguments, and every text that may be one because it is in a wrong place."""
    for _path, value in _secrets(spec, params):
        redactor.add(*_strings(value))
    redactor.add(*_strays(spec, params))
    redactor.add(*_misfits(spec, params))
    for value in params.values():
        if isinstance(value, str) and "://" in value:
            redactor.add(*redaction.url_secrets(value))


def leave_identifiers(redactor: redaction.Redactor, spec: Spec, params: Mapping[str, Any]) -> Optional[str]:
    """Tell a redactor to leave names and ids readable. Return a warning if one of them holds a secret.

    The redactor knows all secrets of the task by now. A value that is not safe as an identifier may be a secret.
    """
    alike = []
    for path, value in _identifiers(spec, params):
        if names.is_safe(value):
            redactor.leave(value)
            if redactor.text(value) != value:
                alike.append(path)
    if not alike:
        return None
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    return f"A secret of this task can be read from {alike[0]}{more}, which is shown. Choose another secret."


def _identifiers(spec: Spec, params: Mapping[str, Any], prefix: str = "") -> Iterator[Tuple[str, str]]:
    for name, option in spec.items():
        value = params.get(name)
        if name in _IDENTIFIERS and isinstance(value, str) and value:
            yield prefix + name, value
        for at, row in _rows(option, value):
            if isinstance(row, Mapping):
                place = f"{name}[{at}]" if option["type"] == "list" else name
                yield from _identifiers(option["options"], row, f"{prefix}{place}.")


def written_as_text(spec: Spec, params: Mapping[str, Any]) -> bool:
    """Tell whether options within options were written as text, which Ansible has not parsed yet."""
    return any(
        isinstance(value, str) or (isinstance(value, list) and any(isinstance(row, str) for row in value))
        for value in (params.get(name) for name, option in spec.items() if option.get("options"))
    )


def check_rows(spec: Spec, params: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for a value that should be a dictionary of options and is not, and say what to write.

    Ansible also accepts JSON and `name=value`. The value is not quoted: it may be anything.
    """
    for name, option in spec.items():
        value = params.get(name)
        is_given = value is not None or (name in params and option.get("required"))
        if not is_given or not (option.get("options") or option.get("elements") == "dict"):
            continue
        if option["type"] == "dict":
            if not may_be_row(value):
                raise errors.ConfigurationError(
                    f"{name} is not a dictionary.", hint=f"Write the options of {name} below it."
                )
            continue
        value = _taken_apart(value)
        if isinstance(value, (list, tuple)):
            at = next((at for at, row in enumerate(value) if not may_be_row(row)), None)
            odd = None if at is None else f"{name}[{at}] is not a dictionary."
        else:
            # Ansible splits a text at its commas into a list.
            taken = isinstance(value, str) and may_be_row(value)
            odd = None if taken else f"{name} is not a list of dictionaries."
        if odd:
            example = next((example for key, example in _EXAMPLES.items() if key in option.get("options", ())), "")
            raise errors.ConfigurationError(odd, hint=f"Write each of {name} as a dictionary{example}.")


def may_be_row(value: Any) -> bool:
    """Tell whether Ansible takes a value for a dictionary: it is one, or a text in JSON or of ``name=value``."""
    return isinstance(value, Mapping) or (isinstance(value, str) and (value.lstrip()[:1] == "{" or "=" in value))


def check_keys(spec: Spec, params: Mapping[str, Any], prefix: str = "") -> None:
    """Raise ConfigurationError for a key that is not one of the options of a row, and name these.

    Rows of a CSV file without a line of headings have passwords as keys. So it is only quoted if it cannot be one.
    """
    for name, option in spec.items():
        for at, row in _rows(option, params.get(name)):
            if not isinstance(row, Mapping):
                continue
            place = f"{prefix}{name}[{at}]" if option["type"] == "list" else f"{prefix}{name}"
            strange = next((key for key in row if key not in option["options"]), None)
            if strange is not None:
                what = f"There is no option {place}.{strange}."
                if not _may_be_shown(strange):
                    what = f"{place} has a key that is not an option. It is not shown, as it may be a secret."
                hint = f"The options are: {', '.join(sorted(option['options']))}."
                if option["type"] == "list":
                    hint += (
                        " If the rows are from a CSV file, its first line must name them, and values with commas must "
                        "be in quotes."
                    )
                raise errors.ConfigurationError(what, hint=hint)
            check_keys(option["options"], row, f"{place}.")


def _may_be_shown(key: object) -> bool:
    return isinstance(key, str) and bool(_MISSPELT.fullmatch(key))


def check_quoted(spec: Spec, params: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for a secret, a name or an ID that is not a string, and for a list as a text.

    YAML has made another value of what was written, and Ansible would use what a list looks like in Python.
    """
    for path, value in _values(spec, params, lambda _name, option: option["type"] in ("str", "path")):
        if isinstance(value, (Mapping, list, tuple)):
            raise errors.ConfigurationError(f"{path} is not a string: it is {_kind(value)}.", hint="Write one text.")
    for path, value in _values(spec, params, lambda name, option: option.get("no_log") or name in _EXACT):
        for place, text in _items(path, value):
            if text is not None and not isinstance(text, str):
                raise errors.ConfigurationError(
                    f"{place} is not a string: YAML made it {_kind(text)}.",
                    hint="Put it in quotes, so that the value used is the one written.",
                )


def _items(path: str, value: Any) -> Iterable[Tuple[str, Any]]:
    if isinstance(value, (list, tuple)):
        return ((f"{path}[{at}]", item) for at, item in enumerate(value))
    return ((path, value),)


def check_numbers(spec: Spec, params: Mapping[str, Any], prefix: str = "") -> None:
    """Raise ConfigurationError for a value that is not a number or is out of range, and say what is allowed.

    ansible-core says only that it is of another type, and up to 2.21 it ends in a traceback for infinity.
    """
    for name, option in spec.items():
        value, whole = params.get(name), option["type"] == "int"
        if isinstance(value, Mapping) and option.get("options"):
            check_numbers(option["options"], value, f"{prefix}{name}.")
        elif value is not None and option["type"] in ("int", "float"):
            if "least" in option:
                allowed = numbers.Range(option["least"], option.get("most", math.inf), whole)
            else:
                allowed = numbers.RANGES.get(name, numbers.Range(whole=whole))
            numbers.check(f"{prefix}{name}", value, allowed)


def _secrets(spec: Spec, params: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """Yield path and raw value of every secret option, sub-options included."""
    return _values(spec, params, lambda _name, option: option.get("no_log"))


def _values(
    spec: Spec, params: Mapping[str, Any], wanted: Callable[[str, Mapping[str, Any]], Any], prefix: str = ""
) -> Iterator[Tuple[str, Any]]:
    """Yield path and raw value of every option that is wanted, sub-options included."""
    for name, option in spec.items():
        if wanted(name, option):
            yield prefix + name, params.get(name)
        for at, row in _rows(option, params.get(name)):
            if isinstance(row, Mapping):
                place = f"{name}[{at}]" if option["type"] == "list" else name
                yield from _values(option["options"], row, wanted, f"{prefix}{place}.")


def _strays(spec: Spec, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield all text outside of known options: a misspelt option or a malformed row may hold a secret as well."""
    for name, value in params.items():
        option = spec.get(name)
        if option is None and not str(name).startswith("_ansible_"):
            yield from _strings(value)
            if not _may_be_shown(name):
                yield str(name)
        for _at, row in _rows(option or {}, value):
            yield from _strays(option["options"], row) if option and isinstance(row, Mapping) else _strings(row)


def _misfits(spec: Spec, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield all text in options that cannot hold it: ansible-core would quote it, or show it among the options."""
    for name, option in spec.items():
        value = params.get(name)
        if value is not None:
            yield from _strings(list(_unfit(name, option, value)))
        for _at, row in _rows(option, value):
            if isinstance(row, Mapping):
                yield from _misfits(option["options"], row)


# What a text must look like to be shown as the value of such an option.
_FORMS: Mapping[str, Callable[[str], bool]] = {
    "id": names.is_safe,
    "name": names.is_safe,
    "email": lambda email: "@" in email,
    "api_url": lambda url: url.lower().startswith(("https://", "http://")),
    "url": lambda url: url.lower().startswith(("https://", "http://")),
}


def _unfit(name: str, option: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield what the option cannot hold: all of the value, or those items of a list that are none of the choices."""
    choices = option.get("choices")
    if option["type"] == "str" and isinstance(value, str):
        if (name in _FORMS and value and not _FORMS[name](value)) or (choices and not _is_part(value, choices)):
            yield value
        return
    # Imported here so that the rest of this file does not need Ansible.
    from ansible.module_utils.common import validation

    try:
        checked = getattr(validation, f"check_type_{option['type']}")(value)
    except (TypeError, ValueError, ArithmeticError):
        yield value
        return
    # Those of a list are choices for each of its items.
    chosen = checked if option["type"] == "list" else [value]
    wrong = [item for item in chosen if choices and not _is_part(item, choices)]
    yield from wrong
    if wrong and isinstance(value, str):
        yield value


def _is_part(value: Any, choices: Iterable[Any]) -> bool:
    """Tell whether a value is a choice or part of one, in which it could not be read if it were masked as a secret."""
    return value in choices or (isinstance(value, str) and any(value in str(choice) for choice in choices))


def _rows(option: Mapping[str, Any], value: Any) -> Iterable[Tuple[int, Any]]:
    if not option.get("options") or value is None:
        return ()
    value = _taken_apart(value)
    return enumerate(map(_taken_apart, value if isinstance(value, list) else [value]))


def _taken_apart(value: Any) -> Any:
    """Return the value of JSON text, and anything else as it is: Ansible accepts lists and rows as JSON."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def hidden(spec: Spec, params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options without the values of secret and unknown ones, which are found by name, not by value."""
    shown: Dict[str, Any] = {}
    for name, value in params.items():
        option = spec.get(name)
        if value is None or (option and not option.get("no_log") and not option.get("options")):
            shown[name] = value
        elif option and option.get("options") and isinstance(value, list):
            rows = value[:_ROWS_SHOWN]
            shown[name] = [hidden(option["options"], row) if isinstance(row, Mapping) else _HIDDEN for row in rows]
            if len(value) > len(rows):
                shown[name].append(f"and {len(value) - len(rows)} more")
        elif option or _may_be_shown(name):
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
