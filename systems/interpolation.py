"""Interpolation: everything a client does not predict is drawn a little in the past, between two known states.

One render clock per connection, in server ticks. It trails the arriving ticks by a delay that grows with the
measured jitter, and it never runs backward. Only fields declared `interpolate=True` are blended. Where the next state
is late, what moved goes on moving for a moment; how that is mended when it comes is in rendering.py.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ecsnet.components.teleports import Teleports
from ecsnet.components.transform2d import Transform2D
from ecsnet.fields import NetField
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Change
from ecsnet.replication.schema import Record, Schema
from ecsnet.wire import Tick, tick_difference

__all__ = ["Interpolator", "RenderClock", "blend", "difference"]

_Track: TypeAlias = deque[tuple[int, Values]]

SAMPLES_PER_TRACK = 32  # a second at 30 sends a second, more than any delay
JUMPS_PER_ENTITY = 8  # in that time; of more the oldest are drawn as ways
TELEPORTS_MASK = 0xFF
EXTRAPOLATION_SECONDS = 0.1  # three sends: as long as one goes on without turning, most often
REST_INTERVALS = 4  # unchanged for longer than so many sends: it stood still


class RenderClock:
    """Estimates the server tick to draw, from when state arrives.

    Attributes:
        tick: What to draw, fractional, counted from the first tick seen.
        newest: The newest state heard of, counted alike.
        delay_ticks: How far drawing trails the newest state, at this moment.
        drawn: The tick the last frame shows: `tick`, unless that is too far beyond the newest state.
    """

    __slots__ = (
        "_base", "_interval_ticks", "_jitter_ticks", "_now", "_offset", "_rate_hz", "delay_ticks", "drawn", "newest",
        "tick",
    )  # fmt: skip

    def __init__(self, tick_rate_hz: float, interval_ticks: int) -> None:
        """Wait for the first state."""
        self._rate_hz = tick_rate_hz
        self._interval_ticks = interval_ticks
        self._base: Tick | None = None  # ticks below are counted from here, so that they do not wrap
        self._offset = 0.0
        self._jitter_ticks = 0.0
        self._now = 0.0
        self.tick = self.drawn = 0.0
        self.newest = 0
        self.delay_ticks = interval_ticks * 1.7 + 1.0

    @property
    def is_guessing(self) -> bool:
        """Whether what is drawn is beyond the newest state."""
        return self.tick > self.newest

    def has_reached(self, tick: Tick) -> bool:
        """Tell whether what is drawn of others is of this tick, or after it."""
        return self._base is not None and self.unwrapped(tick) <= self.tick

    def unwrapped(self, tick: Tick) -> int:
        """Return a tick counted from the first one seen, so that it can be blended across the 32-bit wrap."""
        if self._base is None:
            self._base = tick
        return tick_difference(tick, self._base)

    def observe(self, tick: Tick, now: float) -> None:
        """Note that the state of `tick` arrived."""
        first = self._base is None
        at = self.unwrapped(tick)
        self.newest = max(self.newest, at)
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
        self.drawn = min(self.tick, self.newest + EXTRAPOLATION_SECONDS * self._rate_hz)
        return self.tick

    def behind(self, tick: Tick, drawn: float) -> float:
        """Return by how many ticks a frame, of which this was `drawn`, trails `tick`; 0.0 before the first state."""
        return 0.0 if self._base is None else self.unwrapped(tick) - drawn


class Interpolator:
    """Remembers recent values of interpolated records, and says what they were, or may be, at the render clock.

    Attributes:
        records: Those with an interpolated field, by id.
        teleports: The id of the record that tells when an entity was put elsewhere.
    """

    def __init__(self, schema: Schema, tick_rate_hz: float, interval_ticks: int) -> None:
        """Track every record of the schema that has an interpolated field."""
        self.clock = RenderClock(tick_rate_hz, interval_ticks)
        self._rest_ticks = REST_INTERVALS * interval_ticks
        self._interval_ticks = interval_ticks
        self._most_ahead_ticks = EXTRAPOLATION_SECONDS * tick_rate_hz
        self.records = {record.id: record for record in schema.records if any(f.interpolate for f in record.fields)}
        self.teleports = schema.records_of[Teleports][0].id
        self._transform = schema.records_of[Transform2D][0].id
        self._tracks: dict[int, dict[int, _Track]] = {}
        self._jumps: dict[int, deque[tuple[int, int]]] = {}  # by entity, when it was put elsewhere: tick, count

    def feed(self, changes: Sequence[Change], tick: Tick, now: float, overtaken: Sequence[Change] = ()) -> None:
        """Take what one state message changed.

        Args:
            overtaken: What else was in it, of which something newer was known.
        """
        self.clock.observe(tick, now)
        at = self.clock.unwrapped(tick)
        for entity, record_id, _, values in changes:
            if record_id == self.teleports:
                self._note_jump(entity, at, values)
        for entity, record_id, _, values in overtaken:
            if record_id == self.teleports:
                self._date_jump(entity, at, values)
        for entity, record_id, _, values in changes:
            if record_id in self.records:
                self._extend(entity, record_id, at, values)

    def _note_jump(self, entity: int, at: int, values: Values) -> None:
        [count] = values
        assert isinstance(count, int)
        jumps = self._jumps.setdefault(entity, deque(maxlen=JUMPS_PER_ENTITY))
        if not jumps or jumps[-1][1] != count:  # else it is said again
            jumps.append((at, count))

    def _date_jump(self, entity: int, at: int, values: Values) -> None:
        """Note that a jump was earlier than the repetition of its word, which came first."""
        jumps = self._jumps.get(entity, _NO_JUMPS)
        for index, (told_at, count) in enumerate(jumps):
            if (count,) == values and at < told_at:
                jumps[index] = (at, count)

    def forget(self, entity: int) -> None:
        """Drop an entity that is gone."""
        self._tracks.pop(entity, None)
        self._jumps.pop(entity, None)

    def is_tracked(self, entity: int) -> bool:
        """Tell whether there is something to blend of an entity."""
        return entity in self._tracks

    def tracked(self) -> Sequence[int]:
        """Return the entities there is something to blend of."""
        return list(self._tracks)

    def newest(self, entity: int, record_id: int) -> int | None:
        """Return the tick of a record's newest sample, as the clock counts; None if there is none."""
        track = self._tracks.get(entity, _NOTHING).get(record_id)
        return track[-1][0] if track else None

    def jumps_so_far(self, entity: int) -> int:
        """Return what Teleports of an entity counted at the clock's tick, of the jumps whose place is known."""
        jumps = self._jumps.get(entity)
        if jumps is None:
            return 0
        newest = self.newest(entity, self._transform)
        drawn = self.clock.tick if newest is None else min(self.clock.tick, newest)
        past = [count for at, count in jumps if at <= drawn]
        return past[-1] if past else (jumps[0][1] - 1) & TELEPORTS_MASK

    def leap(self, entity: int) -> None:
        """Draw an entity nowhere any more where it was before its last teleport, as it was seen behind it already."""
        jumps = self._jumps.get(entity)
        if jumps is None:
            return
        at, count = jumps[-1]
        for track in self._tracks.get(entity, _NOTHING).values():
            while track and track[0][0] < at:
                track.popleft()
        self._jumps[entity] = deque([(min(at, math.floor(self.clock.tick)), count)], maxlen=JUMPS_PER_ENTITY)

    def sample(self, entity: int, record: Record, tick: float | None = None) -> Values | None:
        """Return a record's values at the clock's tick; None if nothing is known.

        Before the first sample it is as in the first. After the last one it is as in the last if newer states say
        nothing of it: then it rests. If there are none, it goes on as it moved.

        Args:
            tick: Another time, fractional, counted as by the clock.
        """
        track = self._tracks.get(entity, _NOTHING).get(record.id)
        if not track:
            return None
        tick = self.clock.tick if tick is None else tick
        newest, newest_values = track[-1]
        if tick >= newest:
            is_moving = len(track) > 1 and newest >= self.clock.newest and tick > newest
            return self._extrapolate(entity, record, track, tick) if is_moving else newest_values
        after, after_values = newest, newest_values
        for at, values in reversed(track):
            if at <= tick:
                fraction = 0.0 if self._jumped(entity, at, after) else (tick - at) / (after - at)
                return blend(record.fields, values, after_values, fraction)
            after, after_values = at, values
        return track[0][1]

    def _extrapolate(self, entity: int, record: Record, track: _Track, tick: float) -> Values:
        (before, old), (newest, new) = track[-2], track[-1]
        if self._jumped(entity, before, newest):
            return new
        ahead = min(tick - newest, self._most_ahead_ticks)
        moved = blend(record.fields, old, new, 1.0 + ahead / (newest - before))
        return tuple(
            there if declared.interpolate else now
            for declared, now, there in zip(record.fields, new, moved, strict=True)
        )

    def _jumped(self, entity: int, before: int, after: int) -> bool:
        """Tell whether an entity was put elsewhere between two samples."""
        jumps = self._jumps.get(entity)
        return jumps is not None and any(before < at <= after for at, _ in jumps)

    def _extend(self, entity: int, record_id: int, at: int, values: Values) -> None:
        """Append a sample; after a rest, first note that the old value still held until just before."""
        tracks = self._tracks.setdefault(entity, {})
        track = tracks.get(record_id)
        if track is None:
            track = tracks[record_id] = deque(maxlen=SAMPLES_PER_TRACK)
        if track:
            last, held = track[-1]
            if at <= last:  # late or repeated; the newer sample already says more
                return
            # Unchanged records do not travel. A gap of several sends is a rest, not a slow drift from old to new. If
            # a jump ended it, all of it is the jump: its word may have come before the place, which was lost.
            if at - last > self._rest_ticks and not self._jumped(entity, last, at):
                track.append((at - self._interval_ticks, held))
        track.append((at, values))


_NUMBER = (int, float)  # `int | float` in a function is made anew by every call
_NOTHING: Mapping[int, _Track] = {}
_NO_JUMPS: deque[tuple[int, int]] = deque(maxlen=0)


def blend(fields: Sequence[NetField], old: Values, new: Values, fraction: float) -> Values:
    """Blend the fields that asked for it, angles the short way; the others stay old until the new ones are reached.

    HOT: once per entity and component that moves, each frame; tests/bench/bench_prediction.py.

    Args:
        fraction: Of the way from old to new; beyond 1 it leads on.
    """
    return tuple(
        [
            a if a == b or not declared.interpolate else _part(declared, a, b, fraction)
            for declared, a, b in zip(fields, old, new, strict=True)
        ]
    )


def difference(declared: NetField, old: object, new: object) -> float:
    """Return by how much an interpolated field changes; of an angle the short way."""
    assert isinstance(old, _NUMBER)
    assert isinstance(new, _NUMBER)
    change = float(new - old)
    return (change + math.pi) % math.tau - math.pi if declared.angle else change


def _part(declared: NetField, old: object, new: object, fraction: float) -> float:
    assert isinstance(old, _NUMBER)
    return old + difference(declared, old, new) * fraction
