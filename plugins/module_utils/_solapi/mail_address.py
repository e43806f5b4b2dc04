# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mail address is, and which of its spellings are one and the same. Pure.

Sources: RFC 5321, 2.4 and 4.5.3.1 (parts and lengths of an address), RFC 6532, 3.1 (NFC), RFC 5890 and 3492 (IDNA and
Punycode). A local part may depend on case by RFC 5321; hardly any mail server makes it so, and to take two spellings
for one address never sends a second mail. So case makes no difference in either part.
"""

from __future__ import annotations

import re
import unicodedata
from typing import List, Literal, Optional, Set

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

_PART = r"[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]"
_ADDRESS = re.compile(_PART + r"{1,64}@" + _PART + r"{1,253}")
_LONGEST = 254

# Of a label of a domain in which Punycode stands for the letters that are not ASCII.
_ENCODED = "xn--"
_DOTS = {".", "\u3002"}


def check_email(email: object) -> str:
    """Return the address, or raise ConfigurationError, which does not quote it, when it is not one address."""
    if isinstance(email, (list, tuple, dict)):
        raise errors.ConfigurationError(
            f"email is not valid: it is a {'dictionary' if isinstance(email, dict) else 'list'}, not one address.",
            hint="Write email: name@example.com. For several members use loop, or the role solapi_password_reset.",
        )
    # Invisible characters come along with what is copied, and surrogates cannot be sent at all.
    if isinstance(email, str) and _ADDRESS.fullmatch(email) and len(email) <= _LONGEST and email.isprintable():
        return email
    raise errors.ConfigurationError(
        "email is not a mail address.",
        hint="Write one address in the form name@example.com, without a display name.",
    )


def canonical(email: str) -> str:
    """Return the one spelling that stands for all spellings of an address: lower case, composed, no Punycode.

    A domain that IDNA does not allow is left as it is but for that. Raises nothing.
    """
    local, _at, domain = email.rpartition("@")
    return f"{_normal('NFC', local)}@{_domain(domain)}"


def is_same(email: str, other: object) -> bool:
    """Tell whether what somebody answered is this address, however either is spelled."""
    return isinstance(other, str) and canonical(email) == canonical(other)


def spellings(email: str) -> List[str]:
    """Return the spellings in which an address is commonly written, itself included; one, if all of it is ASCII."""
    local, _at, domain = email.rpartition("@")
    decoded = _forms(_domain(domain))
    domains = _forms(domain) | decoded | {encoded for encoded in map(_encoded, decoded) if encoded}
    return sorted(f"{one}@{other}" for one in _forms(local) for other in domains)


def _domain(domain: str) -> str:
    """Return a domain with its labels decoded. The last dot, which stands for the root, changes nothing."""
    labels = _normal("NFKC", domain).replace("\u3002", ".").split(".")
    return ".".join(map(_decoded, labels)).rstrip(".")


def _decoded(label: str) -> str:
    """Return what a label stands for; itself, if it is none of IDNA."""
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
    """Return a domain as servers that know only ASCII are told it, if it can be told so."""
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
