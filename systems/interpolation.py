"""Interpolation: everything a client does not predict is drawn a little in the past, between two known states.

One render clock per connection, in server ticks. It trails the arriving ticks by a delay that grows with the
measured jitter, and it never runs backward. Only fields declared `interpolate=True` are blended.
"""

import math
from collections import deque
from collections.abc import Sequence
from copy import copy
from typing import TypeAlias, TypeVar

from ecsnet.fields import NetField
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Change
from ecsnet.replication.schema import Record, Schema
from ecsnet.wire import Tick, tick_difference

__all__ = ["Interpolator", "RenderClock"]

T = TypeVar("T")
_Track: TypeAlias = deque[tuple[int, Values]]

SAMPLES_PER_TRACK = 32  # a second at 30 sends a second, more than any delay


class RenderClock:
    """Estimates the server tick to draw, from when state arrives.

    Attributes:
        delay_ticks: How far drawing trails the newest state, at this moment.
        drawn: The tick the last frame shows: `tick`, or the newest state's if there is none after it.
    """

    __slots__ = ("_base", "_interval_ticks", "_jitter_ticks", "_newest", "_now", "_offset", "_rate_hz",
                 "delay_ticks", "drawn", "tick")  # fmt: skip

    def __init__(self, tick_rate_hz: float, interval_ticks: int) -> None:
        """Wait for the first state."""
        self._rate_hz = tick_rate_hz
        self._interval_ticks = interval_ticks
        self._base: Tick | None = None  # ticks below are counted from here, so that they do not wrap
        self._offset = 0.0
        self._jitter_ticks = 0.0
        self._now = 0.0
        self._newest = 0  # state, counted from the base
        self.tick = self.drawn = 0.0
        self.delay_ticks = interval_ticks * 1.7 + 1.0

    def unwrapped(self, tick: Tick) -> int:
        """Return a tick counted from the first one seen, so that it can be blended across the 32-bit wrap."""
        if self._base is None:
            self._base = tick
        return tick_difference(tick, self._base)

    def observe(self, tick: Tick, now: float) -> None:
        """Note that the state of `tick` arrived."""
        first = self._base is None
        at = self.unwrapped(tick)
        self._newest = max(self._newest, at)
        sample = at - now * self._rate_hz
        if first:
            self._offset = sample
            self.tick = -self.delay_ticks
            self._now = now
            return
        error = sample - self._offset
        self._offset += error * (0.1 if abs(error) < self._rate_hz else 1.0)  # a second off: a stall, start over
        self._jitter_ticks += (abs(error) - self._jitter_ticks) * 0.05

    def advance(self, now: float) -> float:
        """Move the clock to `now`; return the tick to draw, fractional, counted from the first one seen."""
        if self._base is None:
            return 0.0
        passed = max(0.0, now - self._now) * self._rate_hz
        self._now = max(now, self._now)
        target_delay = self._interval_ticks * 1.7 + 4.0 * self._jitter_ticks + 1.0
        # Follow at 5 % at most: a change of delay must be invisible, and the clock must never run backward.
        self.delay_ticks += max(-0.05 * passed, min(0.05 * passed, target_delay - self.delay_ticks))
        target = self._offset + now * self._rate_hz - self.delay_ticks
        error = target - (self.tick + passed)
        if abs(error) > self._rate_hz:
            self.tick = target
        else:
            self.tick += passed + max(-0.1 * passed, min(0.1 * passed, error))
        self.drawn = min(self.tick, self._newest)
        return self.tick

    def behind(self, tick: Tick, drawn: float) -> float:
        """Return by how many ticks a frame, of which this was `drawn`, trails `tick`; 0.0 before the first state."""
        return 0.0 if self._base is None else self.unwrapped(tick) - drawn


class Interpolator:
    """Remembers recent values of interpolated records and blends them for drawing."""

    def __init__(self, schema: Schema, tick_rate_hz: float, interval_ticks: int) -> None:
        """Track every record of the schema that has an interpolated field."""
        self.clock = RenderClock(tick_rate_hz, interval_ticks)
        self._interval_ticks = interval_ticks
        self._records = {record.id: record for record in schema.records if any(f.interpolate for f in record.fields)}
        self._by_class = {record.cls: record for record in self._records.values()}
        self._tracks: dict[int, dict[int, _Track]] = {}
        self._rendered: dict[tuple[int, type], object] = {}

    def feed(self, changes: Sequence[Change], tick: Tick, now: float) -> None:
        """Take what one state message changed."""
        self.clock.observe(tick, now)
        at = self.clock.unwrapped(tick)
        for entity, record_id, _, values in changes:
            if record_id in self._records:
                self._extend(self._tracks.setdefault(entity, {}), record_id, at, values)

    def forget(self, entity: int) -> None:
        """Drop an entity that is gone."""
        self._tracks.pop(entity, None)
        for record in self._records.values():
            self._rendered.pop((entity, record.cls), None)

    def _extend(self, tracks: dict[int, _Track], record_id: int, at: int, values: Values) -> None:
        """Append a sample; after a rest, first note that the old value still held until just before."""
        track = tracks.get(record_id)
        if track is None:
            track = tracks[record_id] = deque(maxlen=SAMPLES_PER_TRACK)
        if track:
            last, held = track[-1]
            if at <= last:  # late or repeated; the newer sample already says more
                return
            # Unchanged records do not travel. A gap of several sends is a rest, not a slow drift from old to new.
            if at - last > 4 * self._interval_ticks:
                track.append((at - self._interval_ticks, held))
        track.append((at, values))

    def render(self, entity: int, component: T, tick: float | None = None) -> T:
        """Return the component as it should be drawn now: itself, or a blended twin that is reused every frame.

        Args:
            tick: Another time to draw, fractional, counted as by the clock.
        """
        record = self._by_class.get(type(component))
        if record is None:
            return component
        track = self._tracks.get(entity, {}).get(record.id)
        if not track:
            return component
        twin = self._rendered.get((entity, record.cls))
        if twin is None:
            twin = self._rendered[(entity, record.cls)] = copy(component)
        else:
            for name in record.cls.__dict__["__slots__"]:  # what is not blended shows as it is
                setattr(twin, name, getattr(component, name))
        _write(record, twin, _sample(record, track, self.clock.tick if tick is None else tick))
        return twin  # type: ignore[return-value]  # a copy of component, so of its type


def _write(record: Record, component: object, values: Values) -> None:
    for declared, value in zip(record.fields, values, strict=True):
        setattr(component, declared.name, value)


def _sample(record: Record, track: _Track, tick: float) -> Values:
    """Return the record's values at a fractional tick: held before the first and after the last sample."""
    if len(track) == 1 or tick <= track[0][0]:
        return track[0][1]
    newest, newest_values = track[-1]
    if tick >= newest:
        return newest_values
    after, after_values = track[-1]
    for at, values in reversed(track):
        if at <= tick:
            return _blend(record.fields, values, after_values, (tick - at) / (after - at))
        after, after_values = at, values
    return track[0][1]


def _blend(fields: Sequence[NetField], old: Values, new: Values, fraction: float) -> Values:
    """Blend the fields that asked for it, angles the short way; the others stay old until the new tick is reached."""
    return tuple(
        _blend_field(declared, a, b, fraction) if declared.interpolate else a
        for declared, a, b in zip(fields, old, new, strict=True)
    )


def _blend_field(declared: NetField, old: object, new: object, fraction: float) -> object:
    assert isinstance(old, int | float)
    assert isinstance(new, int | float)
    difference = new - old
    if declared.angle:
        difference = (difference + math.pi) % math.tau - math.pi
    return old + difference * fraction
