# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the keys of NAVER Cloud come from: first the options, then the environment, then the profile file."""

from __future__ import annotations

import os
import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import first_set
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import KEYS

DEFAULT_PROFILE = "DEFAULT"
_FILE_KEYS = {"access_key": "ncloud_access_key_id", "secret_key": "ncloud_secret_access_key"}
_PLAIN_PROFILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_MOST_PROFILES = 10


def read_text(path: str) -> str:
    """Return the text of a UTF-8 file."""
    with open(path, encoding="utf-8-sig") as file:
        return file.read()


def ncp_credentials(
    options: Mapping[str, Optional[str]],
    environ: Mapping[str, str],
    files: ProfileFiles,
) -> keys.Credentials:
    """Return NAVER Cloud credentials for ``access_key``, ``secret_key``, ``profile`` and ``config_file``.

    Each key is looked for in the options, then in the environment, then in the profile file. If the option ``profile``
    is set, the environment is left out, so that the keys of another tenant cannot be used. Raises ConfigurationError,
    which names every place that was searched.
    """
    by_option = options.get("profile")
    if by_option and (options.get("access_key") or options.get("secret_key")):
        raise errors.ConfigurationError(
            "profile cannot be combined with access_key or secret_key: they may belong to different tenants.",
            hint="Set only one of them, in module_defaults too.",
        )
    profile_variable, by_variable = first_set(environ, KEYS.environment["profile"])
    profile = by_option or by_variable or DEFAULT_PROFILE
    path = os.path.expanduser(options.get("config_file") or "")
    found: Dict[str, Tuple[str, str]] = {}
    for name in _FILE_KEYS:
        value = options.get(name)
        variable, from_environment = ("", None) if by_option else first_set(environ, KEYS.environment[name])
        if value:
            found[name] = (value, f"the option {name}")
        elif from_environment:
            found[name] = (from_environment, f"the environment variable {variable}")
    missing = [name for name in _FILE_KEYS if name not in found]
    if missing:
        origin = "the option profile" if by_option else f"the environment variable {profile_variable}"
        keys.check_line("profile", profile, origin)
        held, where, remedy = _from_file(path, profile, bool(by_option), files)
        for name in missing:
            if held and held.get(_FILE_KEYS[name]):
                found[name] = (held[_FILE_KEYS[name]], where)
        missing = [name for name in missing if name not in found]
    if missing:
        if held is not None:
            where += f" ({keys.plural('key', [_FILE_KEYS[name] for name in missing])})"
        asked = [where]
        if not by_option:
            remedy = "Set the options, the environment variables, or a profile in the file."
            asked = [
                keys.plural("the option", missing),
                keys.plural("the environment variable", _variables(missing)),
                where,
            ]
        wanted = f"No {' and no '.join(missing)} {'were' if len(missing) > 1 else 'was'} found."
        raise errors.ConfigurationError(
            f"{wanted} Searched: {keys.listed(asked)}.",
            hint=remedy,
        )
    (key, key_origin), (secret, secret_origin) = found["access_key"], found["secret_key"]
    keys.check_key("access_key", key, key_origin)
    keys.check_secret("secret_key", secret, secret_origin)
    origin = key_origin if key_origin == secret_origin else f"{key_origin} and {secret_origin}"
    return keys.Credentials(key, secret, origin)


def _variables(names: Sequence[str]) -> List[str]:
    return [variable for name in names for variable in KEYS.environment[name]]


def _from_file(
    path: str, profile: str, by_option: bool, files: ProfileFiles
) -> Tuple[Optional[Dict[str, str]], str, str]:
    """Return the keys of a profile (None if there is none), the place that was searched, and the remedy."""
    # What is not a profile of the file may be anything, even a password.
    plain = profile == DEFAULT_PROFILE or _PLAIN_PROFILE.fullmatch(profile)
    named = profile if plain else "that the option profile names" if by_option else "that NCLOUD_PROFILE names"
    try:
        file = files.read(path)
    except FileNotFoundError:
        keys.check_line("config_file", path, "the option config_file")
        return None, f"the profile {named} of {path} (there is no such file)", "Fix config_file, or create the file."
    if profile not in file.profiles:
        return (
            None,
            f"the profile {named} of {path} (the file has no such profile; its profiles: {file.names})",
            "Fix profile or config_file, or add the profile to the file.",
        )
    return file.profiles[profile], f"the profile {profile} of {path}", "Add the missing keys to the profile."


class _File(NamedTuple):
    """The keys of each profile of a file, and the names of its profiles as messages list them."""

    profiles: Mapping[str, Dict[str, str]]
    names: str

    def __repr__(self) -> str:
        return "_File"


class ProfileFiles:
    """The profile files of one task. Each is read once, whatever the number of its profiles that are used."""

    def __init__(self, read_text: Callable[[str], str] = read_text) -> None:
        self._read_text = read_text
        self._read: Dict[str, Union[_File, Exception]] = {}

    def read(self, path: str) -> _File:
        """Return what is in a file. Raises FileNotFoundError, and ConfigurationError if it cannot be used."""
        if path not in self._read:
            try:
                self._read[path] = self._parsed(path)
            except (FileNotFoundError, errors.ConfigurationError) as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found

    def _parsed(self, path: str) -> _File:
        try:
            text = self._read_text(path)
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:  # a NUL in the path, or a file that is not UTF-8
            raise errors.ConfigurationError(
                f"{path} cannot be read ({type(error).__name__}).",
                hint="It must be a UTF-8 text file that this user may read.",
            ) from None
        profiles = parse_profiles(text, path)
        known = sorted(profiles)
        more = f" and {len(known) - _MOST_PROFILES} more" if len(known) > _MOST_PROFILES else ""
        return _File(profiles, ", ".join(known[:_MOST_PROFILES]) + more or "none")


def parse_profiles(text: str, path: str) -> Dict[str, Dict[str, str]]:
    """Return the keys of each profile of an `ncloud configure` file.

    Sections are profiles, and a file without sections is the profile DEFAULT. Unlike in other ini files, the other
    sections inherit nothing from DEFAULT, because a profile without a key must not use that of another tenant. Values
    are taken literally, with ``%`` and ``=``. Raises ConfigurationError, which quotes no line of the file.
    """
    # Not needed if the credentials come from options or the environment.
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
        raise errors.ConfigurationError(
            f"{path} is not in the form that `ncloud configure` writes ({type(error).__name__}"
            + _in_line(error)
            + ").",
            hint="The file must have sections such as [DEFAULT], and lines such as ncloud_access_key_id = KEY.",
        ) from None
    return {name: {key: value.strip() for key, value in parser.items(name)} for name in parser.sections()}


def _in_line(error: Exception) -> str:
    # A ParsingError has the numbers and the texts of all lines that are wrong.
    number = getattr(error, "lineno", None) or next((at for at, _line in getattr(error, "errors", ())), None)
    return f" in line {number}" if number else ""
