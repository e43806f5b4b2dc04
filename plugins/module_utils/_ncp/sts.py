# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of NAVER Cloud's Secure Token Service (STS), which makes short-lived keys for a sub account.

Sources: api.ncloud-docs.com, management-sts (codes of refusals), management-sts-creatests.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call import caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import durations, errors, keys, times
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import gateway

OPTIONS: Spec = {
    "duration": {"type": "str", "default": "1h"},
    "serial_number": {"type": "str"},
    "token_code": {"type": "str", "no_log": True},
}
SHORTEST, LONGEST = 600, 43200

# Each request makes other keys. Those of an answer that is lost are known to nobody and expire, so there is nothing to
# settle: to ask again is as safe as if it changed nothing. A token code that counts only once is refused then.
CREATE = caller.Operation("createCredentials", "/api/v1/credentials", caller.Repeat.SAFE)

_LONGEST_KEY = 200
_AGAIN = "Run the task again, and check api_url if that does not help."
_SUB_ACCOUNT = "STS makes keys only for sub accounts: use the keys of one, not those of a main account."
_CODE = "A token code counts once, and for a short time: give a new token_code, and check serial_number."


class Wish(NamedTuple):
    """For how many seconds the keys are wanted, and what proves the second factor, if anything does."""

    seconds: int
    serial_number: Optional[str] = None
    token_code: Optional[str] = None

    def __repr__(self) -> str:
        return "Wish"

    def fields(self) -> Dict[str, Any]:
        """Return the body of the request."""
        given: Dict[str, Any] = {"durationSec": self.seconds}
        if self.serial_number and self.token_code:
            # The documentation says that it is a number, which cannot begin with 0.
            code = self.token_code
            given.update(serialNumber=self.serial_number, tokenCode=code if code[0] == "0" else int(code))
        return given


class Pair(NamedTuple):
    """Keys, when they were made and when they expire, in seconds since the epoch, and whether with a second factor.

    What the answer does not say in a readable form is None. ``doubts`` are sentences about what is not as it was asked
    for.
    """

    access_key: str
    secret_key: str
    created_at: Optional[float]
    expires_at: Optional[float]
    mfa: Optional[bool]
    doubts: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Pair"

    def result(self) -> Dict[str, Any]:
        """Return everything but the secret key, as the module reports it."""
        known = self.created_at is not None and self.expires_at is not None
        return {
            "access_key": self.access_key,
            "created_at": None if self.created_at is None else times.time_text(self.created_at),
            "expires_at": None if self.expires_at is None else times.time_text(self.expires_at),
            "duration": int((self.expires_at or 0) - (self.created_at or 0)) if known else None,
            "mfa": self.mfa,
        }


def wish(duration: str, serial_number: Optional[str], token_code: Optional[str]) -> Wish:
    """Return the wish that these options describe. Raises ConfigurationError, which quotes none of them."""
    text = duration.strip()
    seconds = int(durations.parse_duration(f"{text}s" if text.isdecimal() else text, "duration"))
    if not SHORTEST <= seconds <= LONGEST:
        raise errors.ConfigurationError("duration is not valid: it must be from 10m to 12h.")
    if bool(serial_number) != bool(token_code):
        given, missing = ("serial_number", "token_code") if serial_number else ("token_code", "serial_number")
        raise errors.ConfigurationError(f"{given} has a value, but {missing} has none.", hint="Give both, or neither.")
    if serial_number and token_code:
        keys.check_line("serial_number", serial_number, "the task")
        if not (token_code.isascii() and token_code.isdecimal() and 6 <= len(token_code) <= 10):
            raise errors.ConfigurationError("token_code is not valid: it must be the 6 to 10 digits of the device.")
    return Wish(seconds, serial_number or None, token_code or None)


class Sts:
    """Keys that expire, for the sub account whose keys sign the request. All methods raise the errors of `errors`."""

    def __init__(self, service: gateway.Gateway) -> None:
        self._service = service

    def create(self, wish: Wish) -> Pair:
        """Return new keys."""
        self._service.redactor.add(wish.token_code)
        try:
            return self._service.call(CREATE, lambda response: self._pair(response, wish), wish.fields())
        except (errors.AuthenticationError, errors.RejectedError) as refused:
            refused.hint = " ".join(filter(None, (refused.hint, wish.token_code and _CODE, _SUB_ACCOUNT)))
            raise

    def _pair(self, response: transport.Response, wish: Wish) -> Pair:
        answer = self._service.confirmed(
            response, lambda body: all(isinstance(body.get(name), str) for name in ("accessKey", "keySecret")), None
        )
        pair = Pair(
            answer["accessKey"],
            answer["keySecret"],
            _moment(answer.get("createTime")),
            _moment(answer.get("expireTime")),
            gateway.flag(answer.get("useMfa")),
        )
        clause = self._fault(pair, response.received_at)
        if clause:
            raise self._service.contradiction(response, clause, repeatable=False, hint=_AGAIN)
        self._service.redactor.add(pair.secret_key)
        return pair._replace(doubts=tuple(_doubts(pair, wish, response.received_at)))

    def _fault(self, pair: Pair, now: float) -> Optional[str]:
        """Return why keys cannot be used, as a clause about NAVER Cloud that quotes none of them."""
        redactor = self._service.redactor
        for key in (pair.access_key, pair.secret_key):
            # What is known as a secret came with the task.
            if redactor.text(key) != key:
                return "sent a secret of the task back instead of new keys"
        pair_is_usable = all(keys.is_usable(key, _LONGEST_KEY) for key in (pair.access_key, pair.secret_key))
        if not pair_is_usable or pair.access_key == pair.secret_key:
            return "sent keys that are not valid"
        if pair.expires_at is not None and pair.expires_at <= now:
            return f"sent keys that expired at {times.time_text(pair.expires_at)}"
        return None


def _moment(value: Any) -> Optional[float]:
    """Return a documented moment as seconds since the epoch, None for anything else."""
    try:
        return times.iso_seconds(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _doubts(pair: Pair, wish: Wish, now: float) -> List[str]:
    """Return what is not as it was asked for, a sentence each."""
    found = []
    if pair.expires_at is None:
        found.append(f"{gateway.SERVER} did not say when the new keys expire, or not in the documented form.")
    else:
        made, tolerance = (now, gateway.CLOCK_SKEW_LIMIT) if pair.created_at is None else (pair.created_at, 1.0)
        lifetime = pair.expires_at - made
        if abs(lifetime - wish.seconds) > tolerance:
            expiry = times.time_text(pair.expires_at)
            found.append(
                f"The new keys are valid for {lifetime:.0f} s, until {expiry}, and not for {wish.seconds} s as asked."
            )
    if wish.token_code and pair.mfa is False:
        found.append(f"{gateway.SERVER} made the new keys without a second factor, although token_code was given.")
    return found
