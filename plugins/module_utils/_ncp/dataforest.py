# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of NAVER Cloud Data Forest: its operations, and what their answers hold.

Sources: api.ncloud-docs.com, analytics-dataforest (overview, accounts-getlist, accounts-resetpassword).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._call import bodies, caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import names, workers
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import accounts, gateway

K = TypeVar("K")
T = TypeVar("T")

MOST_ACCOUNTS = 15_000

# How many longer lists may be under way at a time: each may take 4 MiB.
MOST_LONG_LISTS = 2

GET_LIST = caller.Operation("getList", "/api/v2/accounts/getList", caller.Repeat.SAFE, largest_answer=4 * 1024 * 1024)
# Some hundred accounts.
GET_SHORT_LIST = GET_LIST._replace(largest_answer=bodies.SMALL, tentative=True)
# Setting the same value twice ends in the same state, and the answer holds nothing that could differ.
RESET_PASSWORD = caller.Operation("resetPassword", "/api/v2/accounts/resetPassword", caller.Repeat.IDEMPOTENT)


class DataForest:
    """The accounts that one set of credentials may see. Threads may share it.

    All methods raise the errors of `errors`.
    """

    def __init__(self, service: gateway.Gateway) -> None:
        self._service = service

    def list_accounts(self, *, short: bool = False) -> accounts.Listing:
        """Return all accounts. Raises `transport.TooLarge` for a list that is not ``short``, if it has to be."""
        operation = GET_SHORT_LIST if short else GET_LIST
        return self._service.call(operation, self._listing, {}, xml_root="GetAccountListRequest")

    def _listing(self, response: transport.Response) -> accounts.Listing:
        answer = self._service.confirmed(response)
        contents = answer.get("contents")
        # XML has no other way to write an empty list than an empty element.
        items = contents if isinstance(contents, list) else [] if contents in (None, "", {}) else [contents]
        if len(items) > MOST_ACCOUNTS:
            clause = f"sent a list of more than {MOST_ACCOUNTS} accounts"
            raise self._service.contradiction(response, clause, repeatable=False)
        rows = [_row(item) for item in items]
        wrong = _contradiction(answer, rows)
        if wrong:
            raise self._service.contradiction(response, wrong)
        return accounts.Listing(
            [row for row in rows if isinstance(row, accounts.Account)],
            [
                accounts.Unusable(at, f"Account {at} in the list of NAVER Cloud is left out: {row}.")
                for at, row in enumerate(rows, 1)
                if isinstance(row, str)
            ],
        )

    def reset_password(self, account_id: str, password: str) -> bool:
        """Set the password of one account. Returning means that the vendor confirmed it.

        Returns whether an earlier request with the same password had no answer, so that it may still arrive.
        """
        self._service.redactor.add(password)
        unanswered: List[bool] = []

        def interpret(response: transport.Response) -> None:
            answer = self._service.confirmed(response, resource="account")
            if answer.get("id", account_id) != account_id:
                clause = "confirmed the reset of a different account"
                raise self._service.contradiction(response, clause, repeatable=False)

        self._service.call(
            RESET_PASSWORD,
            interpret,
            {"id": account_id, "password": password},
            xml_root="ResetAccountPasswordRequest",
            on_unanswered=lambda: unanswered.append(True),
        )
        return bool(unanswered)


def in_turn(use: Callable[[K, bool], T], asked: Sequence[K], concurrency: int) -> List[T]:
    """Return what ``use`` makes of the list of each of those who are asked, in order, ``concurrency`` at a time.

    Its second argument says whether the list has to be short: then it lets `transport.TooLarge` pass. A longer list is
    asked for again, and few of these are under way at a time, as memory has no room for more.
    """
    if len(asked) <= MOST_LONG_LISTS:
        return workers.in_parallel(lambda each: use(each, False), asked, concurrency)

    def short(each: K) -> Union[T, transport.TooLarge]:
        try:
            return use(each, True)
        except transport.TooLarge as long:
            return long.with_traceback(None)

    used = workers.in_parallel(short, asked, concurrency)
    again = [at for at, each in enumerate(used) if isinstance(each, transport.TooLarge)]
    at_a_time = min(concurrency, MOST_LONG_LISTS)
    long = dict(zip(again, workers.in_parallel(lambda at: use(asked[at], False), again, at_a_time)))
    return [long[at] if isinstance(each, transport.TooLarge) else each for at, each in enumerate(used)]


_ACCOUNT_TEXTS = ("id", "name", "principal", "status", "createdAt", "createAt")
_LONGEST_TEXT = 200
_NO_ROW = "it is not in the documented form"


def _contradiction(answer: Dict[str, Any], rows: List[Union[accounts.Account, str]]) -> Optional[str]:
    """Return what is wrong with a list as a whole, as a clause about NAVER Cloud, None if nothing is."""
    if rows and all(row is _NO_ROW for row in rows):
        return "sent a list of accounts that is not in the documented form"
    if answer.get("total") is not None:
        total = _whole_number(answer["total"])
        if total is None:
            return "sent a total that is not a number"
        if total != len(rows):
            return f"listed {len(rows)} of {total} accounts"
    elif "contents" not in answer:
        return "sent no list of accounts"
    return None


def _row(item: Any) -> Union[accounts.Account, str]:
    """Return the account in a row of the list, or why it cannot be used, in a clause that quotes nothing.

    Id and name go into stores, files and command lines. The other texts end in results and on terminals, so each must
    be one short printable line.
    """
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return _NO_ROW
    texts: Dict[str, Optional[str]] = {}
    for name in _ACCOUNT_TEXTS:
        value = item.get(name)
        text = "" if value is None else str(value) if isinstance(value, (str, int)) else "\n"
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            return f"its {name} is not one short line of text"
        texts[name] = text or None
    if not names.is_safe(item["id"]):
        return f"its id is not valid ({names.RULE})"
    if texts["name"] is not None and not names.is_safe(texts["name"]):
        return f"its name is not valid ({names.RULE})"
    return accounts.Account(
        id=item["id"],
        name=texts["name"],
        principal=texts["principal"],
        status=texts["status"],
        disabled=gateway.flag(item.get("disabled")),
        # The type page spells it createAt, the samples createdAt.
        created_at=texts["createdAt"] or texts["createAt"],
    )


def _whole_number(value: Any) -> Optional[int]:
    """Return a number that may arrive as decimal text, None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
