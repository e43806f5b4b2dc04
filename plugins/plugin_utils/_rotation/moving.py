# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a copy from one store to another has to know about envelopes. Pure."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, from_document
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Document

_READ = ("account", "password", "rotated_at", "rotation_id")


def ids(document: Document) -> frozenset[str]:
    """Return the ids of all rotations that an envelope knows."""
    return frozenset(rotation_id for rotation_id, _password in _known(from_document(document)))


def covers(there: Document, here: Document) -> bool:
    """Tell whether an envelope knows every password that another one knows, and at least one."""
    known = _known(from_document(here))
    return bool(known) and known <= _known(from_document(there))


def last(document: Document) -> str | None:
    """Return the id of the rotation that made the active password, or else the newest candidate."""
    envelope = from_document(document)
    return envelope.rotation_id or (envelope.pending[-1].rotation_id if envelope.pending else None)


def kept(document: Document) -> Document:
    """Return the part of an envelope with which readers go on: the active password, where there is one."""
    if not isinstance(document.get("password"), str):
        return {}
    return {key: document[key] for key in _READ if key in document}


def _known(envelope: Envelope) -> frozenset[tuple[str, str]]:
    known = {(envelope.rotation_id or "", envelope.password)} if envelope.password is not None else set()
    known |= {(item.rotation_id, item.password) for item in envelope.pending}
    return frozenset(known | {(item.rotation_id or "", item.password) for item in envelope.previous})
