# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The LookupBase of this collection: nothing leaves it unredacted, and every failure is one clear sentence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError, AnsibleUndefinedVariable
from ansible.plugins.lookup import LookupBase
from jinja2 import UndefinedError

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError, internal_error
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import with_store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import mask_in_output


class RedactingLookup(LookupBase):
    """A lookup whose ``look_up`` returns passwords, or raises what to say about its failure."""

    def run(self, terms: Sequence[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Look up."""
        self.redactor = Redactor()
        self.variables = variables or {}
        try:
            passwords = self.look_up(terms, kwargs)
        except (UndefinedError, AnsibleUndefinedVariable):
            # A variable in the options does not exist: ansible-core names it, and the place.
            raise
        except KrcloudError as error:
            raise self._failure(error) from None
        except Exception as error:  # nothing may leave unredacted, the causes of an exception included
            raise self._failure(internal_error(error)) from None
        mask_in_output(passwords)
        return passwords

    @abstractmethod
    def look_up(self, terms: Sequence[Any], arguments: Mapping[str, Any]) -> list[str]:
        """Return the passwords."""

    def with_store(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options, with the store of the play if they have none. Raises ConfigurationError."""
        templar = self._templar
        return with_store(arguments, self.variables, lambda value: templar.template(value) if templar else value)

    def warn(self, warning: str) -> None:
        """Warn, masked."""
        self._display.warning(self.redactor.text(warning))

    def _failure(self, error: KrcloudError) -> AnsibleLookupError:
        return AnsibleLookupError(self.redactor.text(error.sentence()))
