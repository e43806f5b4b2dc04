# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_store_copy: it needs only the stores, which are on the controller."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils import _reset_mail
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy import report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.copying import Copy
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.decision import Kind, Places
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import envelope, moving
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import PASSWORDS, RESET_MAILS

KINDS: Mapping[str, Kind] = {
    "passwords": Kind(
        PASSWORDS,
        envelope.MOVED,
        "To remove what a store has about an account, run ncp_dataforest_credential with state set to absent.",
        check=envelope.from_stored,
        ids=moving.ids,
        covers=moving.covers,
        last=moving.last,
        kept=moving.kept,
        spellings=lambda name: (name,),
    ),
    "reset_mails": Kind(
        RESET_MAILS,
        "The records of mails to {}",
        "Remove a record with ansible-vault edit, or with bao kv metadata delete.",
        check=_reset_mail.check_record,
        ids=_reset_mail.request_ids,
        covers=_reset_mail.is_as_late,
        last=_reset_mail.last_request,
        kept=lambda document: {},
        spellings=lambda name: (*_reset_mail.record_names(name), name),
    ),
}
KEEP, REMOVE = "keep", "remove"
SPEC: Spec = {
    "source": {"type": "dict", "required": True, "options": registry.argument_spec()},
    "destination": {"type": "dict", "required": True, "options": registry.argument_spec()},
    "names": {"type": "list", "elements": "str"},
    "contents": {"type": "str", "choices": list(KINDS), "default": "passwords"},
    "source_passwords": {"type": "str", "choices": [KEEP, REMOVE], "default": KEEP},
}


class ActionModule(RedactingAction):
    """Wiring: options and two stores into a `Copy`."""

    _requires_connection = False

    def act(self) -> dict[str, Any]:
        """Move the documents, or predict it."""
        options = self.options(SPEC)
        for name in ("names", "source", "destination"):
            if name in self._task.args and options[name] is None:
                raise ConfigurationError(f"{name} has no value.", hint="Give it one, or leave it out.")
        kind, remove = KINDS[options["contents"]], options["source_passwords"] == REMOVE
        source, destination = (self.store(options[each], kind.contents) for each in ("source", "destination"))
        found = report.wanted(kind, options["names"], source)
        copy = Copy(kind, source, destination, remove=remove, now=time.time(), new_id=lambda: str(uuid.uuid4()))
        names = list(dict.fromkeys(each for documents in found.values() for each in documents))
        done = copy.run(names, check_mode=self._task.check_mode)
        places = Places(source.address, destination.address)
        kept = not remove and kind.contents == PASSWORDS
        return report.result(found, done, places, kept=kept, diff=self._task.diff)
