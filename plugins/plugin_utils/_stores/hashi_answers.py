# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server of a `hashi_vault` says, and which error it stands for. Pure.

Source: the HTTP API of HashiCorp Vault and OpenBao (api-docs: "Error response", "HTTP status codes").
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor, one_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError


class Answer(NamedTuple):
    """An answer of the server: its status, and its body if that is a JSON object."""

    status: int
    body: Mapping[str, Any] | None

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"

    @property
    def data(self) -> Any:
        """What was asked for, if the answer holds any of it."""
        return (self.body or {}).get("data")

    @property
    def errors(self) -> list[str]:
        """The server's own sentences about what is wrong."""
        errors = (self.body or {}).get("errors")
        return [error for error in errors if isinstance(error, str)] if isinstance(errors, list) else []

    @property
    def is_refusal(self) -> bool:
        """Whether the server itself says that it did not do what it was asked. A page of some proxy proves nothing."""
        said = isinstance((self.body or {}).get("errors"), list)
        return said and (self.is_sealed or answers.may_refuse(self.status))

    def says(self, words: str) -> bool:
        """Tell whether these words, in lower case, are part of an error."""
        return any(words in error.lower() for error in self.errors)

    @property
    def is_absence(self) -> bool:
        """Whether the server itself says that there is nothing. A page of some proxy does not count."""
        return self.status == 404 and self.body == {"errors": []}

    @property
    def is_sealed(self) -> bool:
        """The server runs, and cannot read its own storage: it did nothing, and will not until it is unsealed."""
        return self.status == 503 and self.says("sealed")

    @property
    def is_standby(self) -> bool:
        """No node of the cluster is active."""
        return (self.status == 503 and self.says("standby")) or self.says("active cluster node not found")

    @property
    def is_too_large(self) -> bool:
        """The document of this request has too many bytes or, for OpenBao, too many strings."""
        return self.status == 413 or (self.status == 400 and self.says("complexity"))

    @property
    def is_upgrade(self) -> bool:
        """The mount is being made one of version 2: it did nothing, and will be ready in a moment."""
        return self.status == 400 and self.says("upgrading from non-versioned")


def version_of(value: Any) -> int | None:
    """Return a number of a version, None for anything else. The first version is 1."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def answer_of(response: Response) -> Answer:
    """Return an answer as it was meant."""
    body = None
    if response.body:
        with contextlib.suppress(ValueError, RecursionError):
            body = json.loads(response.body)
    return Answer(response.status, body if isinstance(body, dict) else None)


def refusal(answer: Answer, server: str, clause: str, hint: str, words: str = "") -> KrcloudError:
    """Return an answer that is not a success as the error that `Caller.call` expects for it.

    ``clause`` continues a sentence that begins with ``server``, where the answer is none of the usual ones; ``words``
    follow it. What an answer says about the request is the rule of `answers`, to which this server adds its own word:
    each 4xx of it is a refusal, and while it is sealed, or upgrades a mount, it does nothing.
    """
    meaning = answers.of(answer.status, refused=answer.is_refusal)
    usual = _usual(answer)
    if usual:
        (clause, hint), words = usual, ""
    error = answers.Answer(server, answer.status, message=words or None).error(meaning, clause=clause, hint=hint)
    if answer.is_upgrade:
        error.repeatable = True
    elif 200 <= answer.status < 300:
        error.repeatable = False
    return error


def _usual(answer: Answer) -> tuple[str, str] | None:
    """Return clause and hint of an answer that means the same to every request, None for all others."""
    if answer.is_sealed:
        return "is sealed", "Unseal it, then run again."
    if answer.is_standby:
        return "has no active node at this time", "Run again when it has one."
    if 300 <= answer.status < 400:
        return (
            "answered with a redirect, which is not followed, because the token would go along",
            "Name the active node, or the address of the cluster, in url of the store.",
        )
    if answer.status == 404 and answer.says("namespace"):
        return "has no such namespace", "Check namespace of the store."
    if answer.status == 429:
        return "limits the number of requests", "Lower concurrency of the store, then run again."
    return None


def mount_fault(data: Mapping[str, Any], server: str, mount: str) -> StoreError | None:
    """Return what is wrong with a mount, by what the server says about it: it must be of KV version 2."""
    real, kind, options = str(data.get("path")).strip("/"), data.get("type"), data.get("options")
    version = options.get("version") if isinstance(options, dict) else None
    if kind != "kv" or version not in ("2", 2):
        found = f"of the type {_shown(kind)}"
        if kind in ("kv", "generic"):
            found = f"KV version {_shown(version or '1')}"
        return StoreError(
            f"The mount {mount} on {server} is {found}; the store needs KV version 2.",
            hint="Name another mount_point, or upgrade it (kv enable-versioning).",
        )
    if real != mount:
        return StoreError(
            f"{mount} on {server} is not a mount, but a place in the mount {_shown(real)}.",
            hint=f"Set mount_point to {_shown(real)}, and the rest as secret_path.",
        )
    return None


def _shown(value: Any) -> str:
    """Return what a server says about a mount as one short line."""
    return one_line(value, 80) if isinstance(value, str) else "unknown"


def words_of(answer: Answer, secrets: Iterable[str]) -> str:
    """Return what the server says about an error as one line, without anything of these secrets."""
    return Redactor(secrets).foreign_text(one_line("; ".join(answer.errors), 200))
