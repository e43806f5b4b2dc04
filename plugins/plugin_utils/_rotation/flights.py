# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notes beside a password about requests that may still be under way, and how many of them an envelope has. Pure.

Servers bound the size of a document, so neither the notes nor the values that may become live grow without end. What
must not be forgotten is never dropped for that reason: the oldest notes become one, and no other value is added.
"""

from __future__ import annotations

import math

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import (
    FUTURE_TOLERANCE,
    seconds,
    time_text,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, Flight, Previous

# For how many seconds a run, or a request of it, can be under way.
LONGEST_FLIGHT = 86400.0

# How many flights are noted beside one value. If there are more, the oldest become one note, which only time removes.
MOST_FLIGHTS = 3
SEVERAL_RUNS = "several"

# How many values beside the active password may become live before no other one is added. When none of them can be
# under way any more, one is added nevertheless, up to the second number: only a new value helps with a vendor that
# refuses what it has been sent before. While that value is under way, for a day, no further one is added.
MOST_OPEN = 30
MOST_OPEN_IN_ALL = 60

Flights = tuple[Flight, ...]


def has_ended(flight: Flight, at: float) -> bool:
    """Tell whether nothing of a flight can arrive at or after this time, in seconds since the epoch."""
    return at - seconds(flight.since) >= LONGEST_FLIGHT


def with_own(flights: Flights, run: str, now: float) -> Flights:
    """Return the flights with one of this run that begins now."""
    return _bounded((*without_own(flights, run), Flight(run, time_text(now))))


def without_own(flights: Flights, run: str) -> Flights:
    """Return the flights of other runs."""
    return tuple(flight for flight in flights if flight.run != run)


def began(flights: Flights, run: str) -> float:
    """Return when the flight of this run began. If it is one with others, nobody knows, and it began long ago."""
    return min((seconds(flight.since) for flight in flights if flight.run == run), default=-math.inf)


def merged(flights: Flights, more: Flights) -> Flights:
    """Return the flights of two lists about the same value."""
    return _bounded(tuple(dict.fromkeys((*flights, *more))))


def landed(former: Previous, sent_at: float, now: float) -> Previous:
    """Return a previous password without the flights that had ended when the active one was sent and then confirmed.

    What ended later may have arrived after the active one.
    """
    left = tuple(_dated(flight, now) for flight in former.in_flight if not has_ended(flight, sent_at))
    return former._replace(in_flight=left)


def dated(flights: Flights, now: float) -> Flights:
    """Return the flights, with those that are in the future dated now."""
    return tuple(_dated(flight, now) for flight in flights)


def is_full(envelope: Envelope) -> bool:
    """Tell whether as many values beside the active password may become live as one day brings at most."""
    return len(_open(envelope)) >= MOST_OPEN


def is_crowded(envelope: Envelope, now: float) -> bool:
    """Tell whether so many values beside the active password may become live that no other one is added now.

    A flight in the future does not count as under way, or it would for as long as some clock was wrong: see `tidied`.
    """
    values = _open(envelope)
    under_way = any(not has_ended(each, now) and each == _dated(each, now) for flights in values for each in flights)
    return len(values) >= (MOST_OPEN if under_way else MOST_OPEN_IN_ALL)


def tidied(envelope: Envelope, now: float) -> Envelope:
    """Return an envelope in which the notes of flights that have ended are one beside each value, if it has many.

    A note from the future is dated now, since otherwise it would not end for as long as some clock was wrong.
    """
    if not is_full(envelope):
        return envelope

    def tidy(flights: Flights) -> Flights:
        now_dated = dated(flights, now)
        return _as_one(now_dated, [flight for flight in now_dated if _is_ours(flight) and has_ended(flight, now)])

    return envelope._replace(
        pending=tuple(item._replace(in_flight=tidy(item.in_flight)) for item in envelope.pending),
        previous=tuple(item._replace(in_flight=tidy(item.in_flight)) for item in envelope.previous),
    )


def _open(envelope: Envelope) -> list[Flights]:
    """Return the flights of each value beside the active password that may be live or become so."""
    former = [item.in_flight for item in envelope.previous if item.in_flight]
    return [*(item.in_flight for item in envelope.pending), *former]


def _dated(flight: Flight, now: float) -> Flight:
    """Return a flight. One in the future is dated now: some clock was wrong, and nobody knows how old the flight is."""
    return flight._replace(since=time_text(now)) if now - seconds(flight.since) < -FUTURE_TOLERANCE else flight


def _bounded(flights: Flights) -> Flights:
    """Return the flights with the oldest of too many as one."""
    ours = sorted(filter(_is_ours, flights), key=_since)
    return _as_one(flights, ours[: max(0, len(flights) - MOST_FLIGHTS + 1)])


def _as_one(flights: Flights, several: list[Flight]) -> Flights:
    """Return the flights with these ones as one, which lasts as long as any of them can."""
    if len(several) < 2:
        return flights
    rest = tuple(flight for flight in flights if flight not in several)
    return (Flight(SEVERAL_RUNS, max(several, key=_since).since), *rest)


def _is_ours(flight: Flight) -> bool:
    """Tell whether a flight has no key of a newer version, which must be kept."""
    return flight.unknown == Flight("", "").unknown


def _since(flight: Flight) -> float:
    return seconds(flight.since)
