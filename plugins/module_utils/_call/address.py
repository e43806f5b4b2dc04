# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server is: the base URL that users give, the paths below it, and whether it is this very machine. Pure."""

from __future__ import annotations

import re
from typing import Mapping, Match, Optional
from urllib.parse import quote, urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors


def check_api_url(url: str, called: str = "api_url") -> str:
    """Return the base URL without a trailing slash, or raise ConfigurationError.

    Only https is allowed, except to a loopback address: signatures do not cover the body, so whoever reads a
    request also reads the password. ``called`` is the name of the option in messages, which quote no value but the
    host.
    """

    def refusal(why: str, hint: Optional[str] = None) -> errors.ConfigurationError:
        return errors.ConfigurationError(f"{called} {why}", hint=hint)

    if url != url.strip() or not url.isprintable():
        raise refusal(
            "is not valid: it has blanks around it, or a line break or another control character in it.",
            "Often a line break of the file or variable it was read from.",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refusal("is not a valid URL: write it as https://host or https://host:port.") from None
    shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    if parts.scheme not in ("https", "http") or not host:
        raise refusal("is not a web address: write it as https://host or https://host:port.")
    if parts.username is not None or parts.password is not None:
        raise refusal(f"({shown}) holds a user name or password: take them out, they are not used.")
    if not url.isascii():
        raise refusal(
            "is not valid: it has a character that is not ASCII.", "Write the host name as it is in DNS (xn--...)."
        )
    if not set(parts.netloc) <= _URL_HOST:
        raise refusal("is not valid: it has a character that cannot be part of a host name.")
    if parts.query or parts.fragment or not set(parts.path) <= _URL_PATH or "/." in parts.path:
        raise refusal(f"({shown}) is not valid: nothing but a plain path may follow the host.")
    if parts.scheme == "http" and not is_loopback(host):
        raise refusal(
            f"({shown}) is plain http: the password would cross the network unprotected.",
            "Use https. Plain http is only for loopback addresses.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


_LETTERS_AND_DIGITS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_URL_HOST = _LETTERS_AND_DIGITS | frozenset("-._:[]")
_URL_PATH = _LETTERS_AND_DIGITS | frozenset("/-._~")


# Each number in its usual form: to a resolver, others may be octal or the name of another host.
_LOOPBACK = re.compile(r"127(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be this very machine."""
    return host in ("localhost", "::1") or bool(_LOOPBACK.fullmatch(host))


# The forms of RFC 6570 that are needed: {name} is one part, {+name} keeps the slashes between several.
_PLACE = re.compile(r"\{(\+?)(\w+)\}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a path template with values in it, quoted so that each stays what it is.

    ``{name}`` stands for one part of the path, or for a value of the query, and a slash in it is quoted. ``{+name}``
    stands for one or several parts with slashes between them. Raises ConfigurationError for an empty part, and for one
    that would lead to another place, and KeyError for a value that is missing.
    """
    if "{" not in template:
        return template

    def fill(place: Match[str]) -> str:
        value = values[place.group(2)]
        parts = value.split("/") if place.group(1) else [value]
        if any(part in ("", ".", "..") for part in parts):
            raise errors.ConfigurationError(
                f"What was given as {place.group(2)} cannot be part of a web address: a part of it is empty or dots.",
                hint="Nothing was sent.",
            )
        return "/".join(quote(part, safe="") for part in parts)

    return _PLACE.sub(fill, template)
