# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL of rotations whose store has a command, which brings each version elsewhere.

The machine vanishes with each run that dies, or it stays. What is elsewhere, or here, must hold every password.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from support.simulator import Simulator
from support.stores.benches import ElsewhereBench
from support.stores.steps import Hook
from sweeps.deaths import boundaries_of
from sweeps.runs import rotate, watched
from sweeps.tally import Tally
from sweeps.world import Start, World, first_run, forced_run, resuming_run

# What happens between these is the same with and without a command, which `test_crash.py` is about.
NEXT_TO = ("on_save", "replace", "resetPassword", "unlink")

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> ElsewhereBench:
    return ElsewhereBench(request)


@pytest.mark.parametrize("vanishes", [True, False])
@pytest.mark.parametrize(
    "start", [forced_run, *(pytest.param(each, marks=pytest.mark.long) for each in (first_run, resuming_run))]
)
def test_what_was_sent_is_elsewhere_whenever_a_run_dies(
    elsewhere: ElsewhereBench,
    simulator: Simulator,
    folder: Path,
    tally: Tally,
    start: Callable[[Sequence[Account]], Start],
    vanishes: bool,
) -> None:
    world = World(elsewhere, simulator, count=3)
    begin = start(world.accounts)
    options = {"batch_size": 2, "concurrency": 1, **begin.options}

    def run(hook: Hook) -> None:
        with watched(elsewhere, hook):
            rotate(elsewhere.open(), simulator, **options)

    world.begin(begin)
    boundaries = boundaries_of(run, folder / "boundaries", None)
    # Two batches: the candidates, and what has become of them.
    assert boundaries.count("before on_save") == 4
    violations = []
    fatal = [number for number, each in enumerate(boundaries) if each.split()[-1] in NEXT_TO]
    for number in fatal:
        world.begin(begin)
        reached = boundaries_of(run, folder / "boundaries", number)
        if vanishes:
            elsewhere.vanish()
        found = [*world.violations(), *world.settle(), *world.rest()]
        # A day later, and on yet another machine.
        elsewhere.vanish()
        found += world.violations(settled=True)
        violations += [f"{problem}; after {', '.join(reached[-4:])}" for problem in found]
    what = f"vault_file with on_save, {start.__name__}, {'another machine' if vanishes else 'the same machine'}"
    tally.add_kills(what, len(boundaries), len(fatal), violations)
    assert not violations
