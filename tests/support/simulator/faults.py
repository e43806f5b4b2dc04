# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault rules: which requests misbehave, how often, and before or after their write. See misbehaviour.py for how."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from . import VENDORS, checks
from .answers import ENVELOPES
from .checks import Unsound
from .passwords import ECHOES

MATCHABLE = ("id", "name", "email", "tenant")


def _match(value: object) -> dict[str, str]:
    wanted = checks.text_map(value)
    unknown = set(wanted) - set(MATCHABLE)
    if unknown:
        raise Unsound(f"may only hold: {', '.join(MATCHABLE)}")
    return wanted


def _echo(value: object) -> object:
    return "raw" if value is True else checks.optional(checks.one_of(*ECHOES))(value)


@dataclass
class Fault:
    vendor: Annotated[str, checks.one_of(*VENDORS)] = ""
    kind: Annotated[str, checks.text] = ""
    operation: Annotated[str, checks.text] = "*"
    at: Annotated[str, checks.one_of("before", "after")] = "before"  # ... the write is applied
    times: Annotated[int | None, checks.optional(checks.whole(0))] = 1  # 0 or null: for ever
    skip: Annotated[int, checks.whole(0)] = 0  # let this many requests pass first
    match: Annotated[dict[str, str], _match] = field(default_factory=dict)
    delay: Annotated[float, checks.number(0)] = 0.0  # seconds before it misbehaves; `late`: until the write lands

    # For the kinds that use them
    status: Annotated[int | None, checks.optional(checks.whole(200, 999))] = None
    envelope: Annotated[str | None, checks.optional(checks.one_of(*ENVELOPES))] = None
    code: Annotated[str | int | None, checks.optional(checks.either(checks.text, checks.whole(0)))] = None
    message: Annotated[str | None, checks.optional(checks.text)] = None
    echo: Annotated[str | None, _echo] = None  # form in which the message repeats the password
    body: Annotated[object, checks.anything] = None  # the whole body: a string as it is, anything else as JSON
    # Added to the answer, whatever the kind
    headers: Annotated[dict[str, str], checks.headers] = field(default_factory=dict)
    retry_after: Annotated[
        float | str | None, checks.optional(checks.either(checks.number(0, checks.DECADES), checks.header))
    ] = None
    retry_after_form: Annotated[str, checks.one_of("seconds", "date")] = "seconds"
    location: Annotated[str | None, checks.optional(checks.header)] = None
    interval: Annotated[float, checks.number(0)] = 0.05  # seconds between two pieces of a drip
    size: Annotated[float | None, checks.optional(checks.number(0))] = None  # megabytes; flood: bytes of a header
    count: Annotated[int | None, checks.optional(checks.whole(1))] = None
    depth: Annotated[int | None, checks.optional(checks.whole(1))] = None
    # Seconds by which the Date header is off
    skew: Annotated[float, checks.number(-checks.DECADES, checks.DECADES)] = 3600.0

    # Bookkeeping, which cannot be set from outside
    id: int = 0
    matched: int = 0
    fired: int = 0

    def takes(self, vendor: str, operation: str, facts: Mapping[str, str | None]) -> bool:
        """Tell whether this rule misbehaves for this request. Counts the requests that it let pass."""
        if self.vendor != vendor or self.operation not in ("*", operation):
            return False
        if any(facts.get(key) != value for key, value in self.match.items()):
            return False
        if self.times and self.fired >= self.times:
            return False
        self.matched += 1
        if self.matched <= self.skip:
            return False
        self.fired += 1
        return True

    def told(self) -> dict[str, Any]:
        """The rule, without the fields that have their defaults."""
        always = ("id", "vendor", "kind", "operation", "at", "times", "skip", "matched", "fired")
        plain = Fault()
        values = dataclasses.asdict(self)
        return {key: value for key, value in values.items() if key in always or value != getattr(plain, key)}


FORM = checks.Form("fault", Fault)


class Faults:
    """The rules, in the order in which they were given. The first that matches a request is used."""

    def __init__(self, kinds: Mapping[str, tuple[str, ...]], operations: Mapping[str, tuple[str, ...]]) -> None:
        self._kinds = kinds  # which vendors each kind is for
        self._operations = operations  # of each vendor
        self._rules: list[Fault] = []
        self._last = 0

    def parse(self, document: object) -> Fault:
        rule = Fault(**FORM.read(document))
        if not rule.vendor:
            raise Unsound("fault: vendor is required")
        if rule.kind not in self._kinds:
            raise Unsound(f"fault: there is no kind {rule.kind!r}; there are: {', '.join(self._kinds)}")
        if rule.vendor not in self._kinds[rule.kind]:
            raise Unsound(f"fault: kind {rule.kind!r} is not for vendor {rule.vendor!r}")
        operations = self._operations[rule.vendor]
        if rule.operation not in ("*", *operations):
            raise Unsound(
                f"fault: {rule.vendor} has no operation {rule.operation!r}; there are: {', '.join(operations)}"
            )
        if rule.kind == "status" and rule.status is None:
            raise Unsound("fault: kind 'status' needs a status")
        return rule

    def add(self, document: object) -> list[int]:
        """Add one rule or a list of rules, all of them or none, and return their ids."""
        rules = [self.parse(each) for each in (document if isinstance(document, list) else [document])]
        for rule in rules:
            self._last += 1
            rule.id = self._last
        self._rules += rules
        return [rule.id for rule in rules]

    def take(self, vendor: str, operation: str, facts: Mapping[str, str | None]) -> Fault | None:
        return next((rule for rule in self._rules if rule.takes(vendor, operation, facts)), None)

    def fired(self, rule_id: int) -> int:
        rule = next((rule for rule in self._rules if rule.id == rule_id), None)
        if rule is None:
            raise Unsound(f"there is no fault {rule_id}")
        return rule.fired

    def told(self) -> list[dict[str, Any]]:
        return [rule.told() for rule in self._rules]

    def clear(self) -> None:
        self._rules.clear()
