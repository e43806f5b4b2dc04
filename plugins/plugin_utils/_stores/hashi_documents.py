# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server of a `hashi_vault` holds under a name: a document, or what is wrong with it alone. Pure.

Source: the API pages of HashiCorp Vault and OpenBao for ``secret/kv/kv-v2`` ("Read secret version").
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import one_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Stored, StoreError, to_json
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import Answer, version_of


class Unreadable(StoreError):
    """One document cannot be read, which says nothing about the others."""


class Place(NamedTuple):
    """Where a document is: on which server, in which mount, and at which path of that mount."""

    server: str
    mount: str
    path: str

    def __str__(self) -> str:
        return f"{self.mount}/{self.path} on {self.server}"

    def command(self, verb: str, *options: str, more: str = "") -> str:
        """Return a command of the command line tool about this document."""
        return " ".join(["bao kv", verb, f"-mount={quote(self.mount)}", *options, quote(self.path)]) + more


def document_of(answer: Answer, place: Place) -> Stored | None:
    """Return the document in an answer, or None if the answer is not about one. Raises Unreadable."""
    number = version_of(_metadata(answer).get("version"))
    data = answer.data.get("data") if isinstance(answer.data, dict) else None
    if answer.status == 404 and number and data is None:
        raise _gone(place, number, bool(_metadata(answer).get("destroyed")))
    if answer.status != 200 or not number or not isinstance(data, dict):
        return None
    try:
        to_json(place.path, data)
    except StoreError:
        # It could not be saved again as it is.
        raise Unreadable(
            f"{place} holds something that no store can keep, such as a number that is too large.",
            hint=f"Correct it ({place.command('put', more=' @FILE.json')}) while no rotation runs.",
        ) from None
    return Stored(data, str(number))


def deleted_at(answer: Answer) -> str:
    """Return when the server will delete the document in an answer by itself, as it says so, or nothing."""
    moment = _metadata(answer).get("deletion_time")
    return one_line(moment, 40) if isinstance(moment, str) else ""


def _metadata(answer: Answer) -> Mapping[str, Any]:
    metadata = answer.data.get("metadata") if isinstance(answer.data, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _gone(place: Place, number: int, destroyed: bool) -> Unreadable:
    if destroyed:
        gone, back = "destroyed", f"Make an earlier one current ({place.command('rollback', '-version=N')})"
    else:
        gone, back = "deleted", f"Bring it back ({place.command('undelete', f'-versions={number}')})"
    return Unreadable(
        f"Version {number} of {place} is {gone}, and it is the current one.",
        hint=f"{back}, or give up all passwords kept there ({place.command('metadata delete')}).",
        http_status=404,
    )
