# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signatures of both vendors, verified.

Written from the vendors' documentation and on purpose without a line of the collection's own signer: two mistakes in
two places seldom agree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

# ---------------------------------------------------------------------------------------- NAVER Cloud, signature v2

NCP_TIMESTAMP = "x-ncp-apigw-timestamp"
NCP_ACCESS_KEY = "x-ncp-iam-access-key"
NCP_SIGNATURE = "x-ncp-apigw-signature-v2"

MISSING = "Authentication information are missing."
INVALID = "Invalid authentication information."


class NcpDenied(Exception):
    """The gateway refuses the caller. The text is the `details` of its answer."""


def ncp_signature(secret_key: str, access_key: str, method: str, target: str, timestamp: str) -> str:
    """HMAC-SHA256 in Base64 over method, raw path with query, timestamp and access key. The body is not signed."""
    signed = f"{method} {target}\n{timestamp}\n{access_key}"
    return base64.b64encode(_hmac(secret_key, signed, "sha256")).decode("ascii")


def verify_ncp(
    headers: Mapping[str, str], method: str, target: str, secrets: Mapping[str, str], now: float, skew: float
) -> str:
    """The access key of a caller who has proved to know its secret. `now` and `skew` in seconds."""
    timestamp, access_key, signature = (headers.get(name) for name in (NCP_TIMESTAMP, NCP_ACCESS_KEY, NCP_SIGNATURE))
    if not timestamp or not access_key or not signature:
        raise NcpDenied(MISSING)
    secret = secrets.get(access_key)
    if secret is None or not re.fullmatch("[0-9]{1,16}", timestamp):
        raise NcpDenied(INVALID)
    if abs(int(timestamp) / 1000 - now) >= skew:
        raise NcpDenied(INVALID)
    if not _same(signature, ncp_signature(secret, access_key, method, target, timestamp)):
        raise NcpDenied(INVALID)
    return access_key


# ------------------------------------------------------------------------------------------------------------ SOLAPI


@dataclass(frozen=True)
class SolapiKey:
    name: str
    api_key: str
    api_secret: str
    allowed_ips: tuple[str, ...] = ()  # none: from everywhere


class SolapiDenied(Exception):
    """SOLAPI refuses the caller. The text is the error code."""


_SCHEMES = {"hmac-sha256": "sha256", "hmac-md5": "md5"}
_SEOUL = timezone(timedelta(hours=9))
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def solapi_signature(api_secret: str, date: str, salt: str, digest: str = "sha256") -> str:
    """HMAC in lowercase hex over date and salt. Neither method nor path nor body is signed."""
    return _hmac(api_secret, date + salt, digest).hex()


def parse_authorization(header: str) -> tuple[str, dict[str, str]]:
    """Digest and parameters. The names are in lower case, because official clients disagree about them."""
    scheme, _space, rest = header.strip().partition(" ")
    digest = _SCHEMES.get(scheme.lower())
    if digest is None:
        raise SolapiDenied("Forbidden")
    pairs = (part.partition("=") for part in rest.split(","))
    parameters = {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
    if not all(parameters.get(name) for name in ("apikey", "date", "salt", "signature")):
        raise SolapiDenied("ValidationError")
    return digest, parameters


def parse_date(date: str) -> float:
    """Seconds since the epoch, for each form of the date that official clients are known to send."""
    found = _DATE.fullmatch(date)
    if not found:
        raise SolapiDenied("ValidationError")
    year, month, day, hour, minute, second, _fraction, zulu, sign, off_hours, off_minutes = found.groups()
    # A date without a zone is not documented. A Korean service most likely reads it as Korean time.
    zone = UTC if zulu else _SEOUL
    try:
        if sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=zone)
    except ValueError:
        raise SolapiDenied("ValidationError") from None
    return moment.timestamp()


def verify_solapi(
    header: str,
    keys: Mapping[str, SolapiKey],
    seen: MutableMapping[str, float],
    now: float,
    skew: float,
    remote: str,
) -> SolapiKey:
    """The key of a caller who has proved to know its secret, with a signature that was not seen before."""
    digest, given = parse_authorization(header)
    key = keys.get(given["apikey"])
    if key is None:
        raise SolapiDenied("InvalidAPIKey")
    if not 12 <= len(given["salt"].encode("utf-8", "surrogateescape")) <= 64:
        raise SolapiDenied("ValidationError")
    if abs(parse_date(given["date"]) - now) >= skew:
        raise SolapiDenied("RequestTimeTooSkewed")
    # The raw date string was signed, so the raw date string is checked.
    if not _same(given["signature"], solapi_signature(key.api_secret, given["date"], given["salt"], digest)):
        raise SolapiDenied("SignatureDoesNotMatch")
    for old in [signature for signature, expiry in seen.items() if expiry <= now]:
        del seen[old]
    if given["signature"] in seen:
        raise SolapiDenied("DuplicatedSignature")
    seen[given["signature"]] = now + skew
    if key.allowed_ips and remote not in key.allowed_ips:
        raise SolapiDenied("ForbiddenIP")
    return key


def _hmac(secret: str, message: str, digest: str) -> bytes:
    # In headers, bytes that cannot be decoded arrive as surrogates. The HMAC needs the bytes as they were sent.
    return hmac.new(
        secret.encode("utf-8"), message.encode("utf-8", "surrogateescape"), getattr(hashlib, digest)
    ).digest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("ascii"))
