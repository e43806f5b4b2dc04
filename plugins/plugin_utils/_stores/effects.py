# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is a generator of effects, which are what it wants done. Here are those that concern the store.

The tests carry the effects out, too, and end a run or let another one go on between any two of them: every boundary
at which a run can die is a `yield`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Store, StoreError

T = TypeVar("T")


class Load(NamedTuple):
    """Read these names from the store. Answered with what `Store.load` returns."""

    names: tuple[str, ...]


class Rehearse(NamedTuple):
    """Find out whether documents of these names could be saved, and write nothing.

    Answered with what `Store.check_save` returns.
    """

    names: tuple[str, ...]


class Save(NamedTuple):
    """Commit these changes, all at once if the store can. Answered with what `Store.save` returns."""

    changes: Mapping[str, Change]


def carry_out(run: Generator[Any, Any, T], store: Store, do: Callable[[Any], Any]) -> T:
    """Carry out a run, and return what it returns. Effects that do not concern the store are left to ``do``.

    A StoreError is thrown into the run, at the effect that met it. All other errors end the run.
    """
    try:
        effect = next(run)
        while True:
            try:
                answer: Any
                if isinstance(effect, Load):
                    answer = store.load(effect.names)
                elif isinstance(effect, Save):
                    answer = store.save(effect.changes)
                elif isinstance(effect, Rehearse):
                    answer = store.check_save(effect.names)
                else:
                    answer = do(effect)
            except StoreError as error:
                effect = run.throw(error)
            else:
                effect = run.send(answer)
    except StopIteration as stop:
        return cast(T, stop.value)
