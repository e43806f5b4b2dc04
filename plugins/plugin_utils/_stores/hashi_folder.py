# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a `hashi_vault`: what is in it, what the token may do there, and what a refusal there means.

Sources: the API pages of HashiCorp Vault and OpenBao for ``secret/kv/kv-v2``, ``sys/capabilities-self`` and
``sys/internal/ui/mounts``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError, strings
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import (
    Answer,
    mount_fault,
    refusal,
    words_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_server import Server

# A secret has 1 MiB at most, and a list a few bytes for each name.
LARGEST_ANSWER = 16 * 1024 * 1024


def get(name: str, path: str) -> Operation:
    """Return an operation that only reads."""
    return Operation(name, path, Repeat.SAFE, LARGEST_ANSWER, "GET")


LIST = get("list", "/v1/{+mount}/metadata/{+folder}?list=true")
LOOK_UP_MOUNT = get("look up", "/v1/sys/internal/ui/mounts/{+mount}")
# A POST that changes nothing.
CAPABILITIES = Operation("capabilities", "/v1/sys/capabilities-self", Repeat.SAFE, LARGEST_ANSWER)

# OpenBao takes 1,000 strings in one body.
_MOST_PATHS = 500

# What a policy must give for each verb, where messages speak of it.
_NEEDS = {
    "read": "read on {mount}/data/{folder}/{name}",
    "list": "list on {mount}/metadata/{folder}",
    "delete": "delete on {mount}/metadata/{folder}/*",
}
_NEEDS_OTHERWISE = "create, read and update on {mount}/data/{folder}/*"


Needs = Mapping[str, Sequence[str]]
"""The capabilities that are needed for one name, by the kind of path: ``data`` or ``metadata``."""


class Folder:
    """One path of one mount. Threads may share it. All methods raise StoreError."""

    def __init__(self, server: Server, mount: str, folder: str) -> None:
        self._server = server
        self.mount = mount
        self.path = folder
        self._mount_checked = False

    def __str__(self) -> str:
        return f"{self.mount}/{self.path}"

    def at(self, name: str) -> dict[str, str]:
        """Return what the path of an operation is filled with."""
        return {"mount": self.mount, "folder": self.path, "name": name}

    def names(self) -> set[str] | None:
        """Return the names in the folder. None if the token may not list them, which it need not."""

        def interpret(answer: Answer) -> set[str] | None:
            if answer.is_absence:
                return set()
            if answer.status == 403:
                return None
            keys = answer.data.get("keys") if answer.status == 200 and isinstance(answer.data, dict) else None
            if not isinstance(keys, list):
                raise self.refusal(answer, "list", "")
            return {key for key in keys if isinstance(key, str)}

        return self._server.call(LIST, interpret, {"mount": self.mount, "folder": self.path})

    def denied(self, needs: Mapping[str, Needs]) -> dict[str, KrcloudError]:
        """Return why the token certainly lacks what it needs for some of these names, by name."""
        granted = self._capabilities([self._path(kind, name) for name, of_name in needs.items() for kind in of_name])
        lacking: dict[str, KrcloudError] = {}
        for name, of_name in needs.items():
            for kind, needed in of_name.items():
                may = granted.get(self._path(kind, name))
                if isinstance(may, list) and "root" not in may and not all(each in may for each in needed):
                    lacking[name] = self.refusal(Answer(403, None), "delete" if kind == "metadata" else "write", name)
        return lacking

    def _path(self, kind: str, name: str) -> str:
        return f"{self.mount}/{kind}/{self.path}/{name}"

    def _capabilities(self, paths: Sequence[str]) -> Mapping[str, Any]:
        """Return what the token may do at each of the paths. A token that may not ask may write all the same."""

        def interpret(answer: Answer) -> Mapping[str, Any]:
            if answer.status == 200 and isinstance(answer.data, dict):
                return answer.data
            error = self.refusal(answer, "look up", "")
            if error.repeatable:
                raise error
            return {}

        granted: dict[str, Any] = {}
        for at in range(0, len(paths), _MOST_PATHS):
            granted.update(self._server.call(CAPABILITIES, interpret, {}, {"paths": paths[at : at + _MOST_PATHS]}))
        return granted

    def check_mount(self, *, again: bool = False) -> None:
        """Make sure, once, that the mount is KV version 2. Version 1 accepts the same writes, and ignores ``cas``."""
        if again or not self._mount_checked:
            self._server.call(LOOK_UP_MOUNT, self._interpret_mount, {"mount": self.mount})
            self._mount_checked = True

    def _interpret_mount(self, answer: Answer) -> None:
        server, data = self._server.url, answer.data
        if answer.status == 403:
            raise StoreError(
                f"There is no mount {self.mount} on {server}, or the token is expired or has no rights there.",
                hint="Check mount_point, namespace and token of the store. "
                f"To read, its policy needs read on {self.mount}/data/{self.path}/*.",
                http_status=403,
            )
        if answer.status != 200 or not isinstance(data, dict) or not isinstance(data.get("path"), str):
            raise self.refusal(answer, "look up", "")
        fault = mount_fault(data, server, self.mount)
        if fault:
            raise fault

    def refusal(self, answer: Answer, verb: str, name: str, document: Any = None) -> KrcloudError:
        """Return the error for an answer that is not the one to this request."""
        place, status, words = f"{self}/{name}".rstrip("/"), answer.status, ""
        if status == 403:
            needs = _NEEDS.get(verb, _NEEDS_OTHERWISE).format(mount=self.mount, folder=self.path, name=name)
            clause = f"does not permit this token to {verb} {place}, or the token is expired"
            hint = f"Give its policy {needs}, or use a fresh token."
        elif status == 404 and answer.says("no handler for route"):
            clause, hint = f"has no mount {self.mount}", "Check url, mount_point and namespace of the store."
        elif answer.is_too_large:
            clause = f"does not take a document as large as {name}"
            hint = "Raise max_request_size or max_request_json_strings of its listener."
        else:
            words = words_of(answer, [*self._server.secrets, *strings(document)])
            clause = f"did not {verb} {place}"
            hint = "See the server's own log." if status >= 500 else "Check url of the store, and what stands between."
        return refusal(answer, self._server.url, clause, hint, words)
