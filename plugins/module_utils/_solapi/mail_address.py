# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail addresses: which are valid, and which spellings are the same address. Pure.

Sources: RFC 5321, 2.4 and 4.5.3.1 (parts and lengths of an address), RFC 6532, 3.1 (NFC), RFC 5890 and 3492 (IDNA and
Punycode). By RFC 5321, a local part may be case-sensitive. Hardly any mail server makes use of that, and treating two
spellings as one address never sends a second mail, so case is ignored in both parts.
"""

from __future__ import annotations

import re
import unicodedata
from typing import List, Literal, Optional, Set

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

_PART = r"[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]"
_ADDRESS = re.compile(_PART + r"{1,64}@" + _PART + r"{1,253}")
_LONGEST = 254

# The prefix of a label in Punycode.
_ENCODED = "xn--"
_DOTS = {".", "\u3002"}


def check_email(email: object) -> str:
    """Return the address. Raises ConfigurationError, which does not quote it, for anything that is not one address."""
    if isinstance(email, (list, tuple, dict)):
        raise errors.ConfigurationError(
            f"email is not valid: it is a {'dictionary' if isinstance(email, dict) else 'list'}, not one address.",
            hint="Write email: name@example.com. For several members use loop, or the role solapi_password_reset.",
        )
    # Invisible characters are often copied by accident, and surrogates cannot be sent at all.
    if isinstance(email, str) and _ADDRESS.fullmatch(email) and len(email) <= _LONGEST and email.isprintable():
        return email
    raise errors.ConfigurationError(
        "email is not a mail address.",
        hint="Write one address in the form name@example.com, without a display name.",
    )


def canonical(email: str) -> str:
    """Return the spelling that stands for all spellings of an address: lower case, composed, without Punycode.

    A domain that IDNA does not allow is treated in the same way, as far as possible. Raises nothing.
    """
    local, _at, domain = email.rpartition("@")
    return f"{_normal('NFC', local)}@{_domain(domain)}"


def is_same(email: str, other: object) -> bool:
    """Tell whether a value from an answer is this address, in whatever spelling."""
    return isinstance(other, str) and canonical(email) == canonical(other)


def spellings(email: str) -> List[str]:
    """Return the common spellings of an address, including the given one."""
    local, _at, domain = email.rpartition("@")
    decoded = _forms(_domain(domain))
    domains = _forms(domain) | decoded | {encoded for encoded in map(_encoded, decoded) if encoded}
    return sorted(f"{one}@{other}" for one in _forms(local) for other in domains)


def about(email: str, message: str) -> str:
    """Return a message that begins with the address that it is about, as the first thing that is shown of many."""
    return message if message.startswith(f"{email}: ") else f"{email}: {message}"


def _domain(domain: str) -> str:
    """Return a domain with its labels decoded, and without the final dot, which stands for the root."""
    labels = _normal("NFKC", domain).replace("\u3002", ".").split(".")
    return ".".join(map(_decoded, labels)).rstrip(".")


def _decoded(label: str) -> str:
    """Return a label with its Punycode decoded, or as it is if it has none that is valid."""
    if not label.startswith(_ENCODED):
        return label
    try:
        letters = label[len(_ENCODED) :].encode("ascii").decode("punycode")
        letters.encode("utf-8")
    except UnicodeError:
        return label
    plain = _normal("NFKC", letters)
    return label if letters.isascii() or plain.startswith(_ENCODED) or _DOTS & set(plain) else plain


def _encoded(domain: str) -> Optional[str]:
    """Return a domain in Punycode, None if it has no such form."""
    labels = domain.lower().split(".")
    try:
        domain.encode("utf-8")
        return ".".join(
            label if label.isascii() else _ENCODED + label.encode("punycode").decode("ascii") for label in labels
        )
    except UnicodeError:
        return None


def _normal(form: Literal["NFC", "NFKC"], text: str) -> str:
    # Letter by letter: the lower case of a sigma depends on where it stands.
    lower = "".join(char.lower() for char in unicodedata.normalize(form, text))
    return unicodedata.normalize(form, lower)


def _forms(text: str) -> Set[str]:
    return {text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}
