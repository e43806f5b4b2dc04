# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""Where credentials come from: option, environment, profile file, in this order. Reads, decides nothing else."""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils import _errors, _options

# Which credentials an account is reached with: its own access key, secret key and profile, or None for the task's.
Tenant = Tuple[Optional[str], Optional[str], Optional[str]]
TASK: Tenant = (None, None, None)

DEFAULT_PROFILE = "DEFAULT"
_FILE_KEYS = {"access_key": "ncloud_access_key_id", "secret_key": "ncloud_secret_access_key"}
_HEADER_SAFE = frozenset(chr(code) for code in range(0x21, 0x7F)) - frozenset(",\"'")


class Credentials(NamedTuple):
    """A key, its secret, and where the two were found (never their values)."""

    key: str
    secret: str
    origin: str

    def __repr__(self) -> str:
        return f"Credentials from {self.origin}"


def ncp_credentials(
    options: Mapping[str, Optional[str]],
    environ: Mapping[str, str],
    read_text: Callable[[str], str],
) -> Credentials:
    """Return NAVER Cloud credentials for ``access_key``, ``secret_key``, ``profile`` and ``config_file``.

    Each key is looked for in the options, then in the environment, then in the profile file. A profile that is
    named by option stands for its keys: then the environment is not asked, lest another tenant's keys be used.
    Raises ConfigurationError, which names every place that was asked.
    """
    by_option = options.get("profile")
    if by_option and (options.get("access_key") or options.get("secret_key")):
        raise _errors.ConfigurationError(
            "profile is set together with access_key or secret_key, one of them perhaps by module_defaults.",
            hint="They may belong to different tenants: set one or the other.",
        )
    profile = by_option or _first(environ, _options.ENVIRONMENT["ncp"]["profile"])[1] or DEFAULT_PROFILE
    path = os.path.expanduser(options.get("config_file") or "")
    found: Dict[str, Tuple[str, str]] = {}
    asked: Dict[str, List[str]] = {}
    for name in ("access_key", "secret_key"):
        asked[name] = [f"the option {name}"]
        value = options.get(name)
        if value:
            found[name] = (value, f"the option {name}")
            continue
        if not by_option:
            variables = _options.ENVIRONMENT["ncp"][name]
            asked[name].append("the environment variables " + " and ".join(variables))
            variable, value = _first(environ, variables)
            if value:
                found[name] = (value, f"the environment variable {variable}")
                continue
        value, where = _from_file(path, profile, _FILE_KEYS[name], read_text)
        if value:
            found[name] = (value, where)
        else:
            asked[name].append(where)
    missing = [name for name in asked if name not in found]
    if missing:
        raise _errors.ConfigurationError(
            " ".join(f"No {name} was found. Looked in {_list(asked[name])}." for name in missing),
            hint="Set the options, the environment variables, or a profile in the file.",
        )
    (key, key_origin), (secret, secret_origin) = found["access_key"], found["secret_key"]
    _check("access_key", key, key_origin)
    _check("secret_key", secret, secret_origin)
    return Credentials(key, secret, key_origin if key_origin == secret_origin else f"{key_origin} and {secret_origin}")


def solapi_credentials(options: Mapping[str, Optional[str]], environ: Mapping[str, str]) -> Optional[Credentials]:
    """Return SOLAPI credentials, or None when neither key is set: the reset call needs none.

    Raises ConfigurationError when only one of the two is set.
    """
    found: Dict[str, Tuple[str, str]] = {}
    for name in ("api_key", "api_secret"):
        variable, value = _first(environ, _options.ENVIRONMENT["solapi"][name])
        if options.get(name):
            found[name] = (str(options[name]), f"the option {name}")
        elif value:
            found[name] = (value, f"the environment variable {variable}")
    if not found:
        return None
    if len(found) == 1:
        present = next(iter(found))
        origin = found[present][1]
        absent = "api_secret" if present == "api_key" else "api_key"
        variable = _options.ENVIRONMENT["solapi"][absent][0]
        raise _errors.ConfigurationError(
            f"{present} was found in {origin}, but no {absent}.",
            hint=f"Set the option {absent} or the environment variable {variable}, or neither.",
        )
    for name, (value, origin) in found.items():
        _check(name, value, origin)
    return Credentials(
        found["api_key"][0], found["api_secret"][0], f"{found['api_key'][1]} and {found['api_secret'][1]}"
    )


def _first(environ: Mapping[str, str], names: Sequence[str]) -> Tuple[str, Optional[str]]:
    for name in names:
        if environ.get(name):
            return name, environ[name]
    return "", None


def _from_file(path: str, profile: str, key: str, read_text: Callable[[str], str]) -> Tuple[Optional[str], str]:
    """Return a value of the profile file and where it stood, or None and where it was looked for."""
    place = f"the profile {profile} of {path}"
    try:
        text = read_text(path)
    except FileNotFoundError:
        return None, f"{place} (there is no such file)"
    except (OSError, UnicodeError) as error:
        raise _errors.ConfigurationError(
            f"{path} cannot be read ({type(error).__name__}).",
            hint="Make it a UTF-8 text file that this user may read.",
        ) from None
    profiles = parse_profiles(text, path)
    if profile not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        return None, f"{place} (it has no such profile; it has: {known})"
    return profiles[profile].get(key) or None, f"{place} (key {key})"


def read_text(path: str) -> str:
    """Return the text of a UTF-8 file."""
    with open(path, encoding="utf-8-sig") as file:
        return file.read()


def parse_profiles(text: str, path: str) -> Dict[str, Dict[str, str]]:
    """Return the keys of each profile of an `ncloud configure` file.

    Sections are profiles, and a file without any is the profile DEFAULT. Unlike in other ini files, DEFAULT lends
    nothing to the other sections: a profile that lacks a key must not pick up another tenant's. Values are taken
    as they stand, ``%`` and ``=`` included. Raises ConfigurationError, which quotes no line of the file.
    """
    # Where options or environment bring the credentials, nobody needs it.
    import configparser

    parser = configparser.RawConfigParser(
        delimiters=("=",), default_section="\0", interpolation=None, comment_prefixes=("#", ";")
    )
    try:
        try:
            parser.read_string(text)
        except configparser.MissingSectionHeaderError:
            parser.read_string(f"[{DEFAULT_PROFILE}]\n{text}")
    except configparser.Error as error:
        raise _errors.ConfigurationError(
            f"{path} is not in the form that `ncloud configure` writes ({type(error).__name__}"
            + _in_line(error)
            + ").",
            hint="It holds sections such as [DEFAULT] and lines such as ncloud_access_key_id = KEY.",
        ) from None
    return {name: {key: value.strip() for key, value in parser.items(name)} for name in parser.sections()}


def _in_line(error: Exception) -> str:
    number = getattr(error, "lineno", None)
    return f" in line {number}" if number else ""


def _check(name: str, value: str, origin: str) -> None:
    if value != value.strip() or any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise _errors.ConfigurationError(
            f"{name} from {origin} has blanks around it or control characters in it.",
            hint="Often a line break of the file it was read from.",
        )
    if name.endswith("_key") and name != "secret_key" and not set(value) <= _HEADER_SAFE:
        raise _errors.ConfigurationError(
            f"{name} from {origin} holds characters that no such key has.", hint="Copy the key again."
        )


def _list(places: List[str]) -> str:
    return places[0] if len(places) == 1 else ", ".join(places[:-1]) + " and " + places[-1]
