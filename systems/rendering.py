"""Rendering: what `client.view` gives. Values to draw live here, beside the components, and never in them.

What a client predicts is drawn as it is simulated, all else as interpolation.py says. Either may turn out to be wrong:
a prediction is mended, a late state shows that something went another way, an entity begins or ends to be predicted. In
every case the rule is the same: what is drawn goes on from where it was, and the difference fades away. Only where an
entity was put elsewhere (`Teleports`) nothing fades.

What is not predicted appears when the render clock reaches the tick in which it came, and is drawn until the clock
reaches the tick in which it went. What was there when the client joined is drawn at once.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from copy import copy
from math import exp
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ecsnet.components.predicted import Predicted
from ecsnet.components.teleports import Teleports
from ecsnet.config import ClientConfig
from ecsnet.fields import ComponentSpec, NetField, spec_of
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Record
from ecsnet.systems.history import History
from ecsnet.systems.interpolation import Interpolator, blend, difference
from ecsnet.wire import Tick, advance_tick
from ecsnet.world import World

__all__ = ["Appearance", "Renderer"]

T = TypeVar("T")
Offset: TypeAlias = list[float]  # by field of the record; 0.0 where nothing is interpolated

# Frames nearly as long as a tick or longer show every tick as it is, at once. Shorter ones would show most ticks more
# than once, and motion would stutter: they show what lies between the last two, up to a tick late.
WHOLE_TICKS = 0.9
FALLBACK_STEP = 1 / 1024  # what fades ends below half a step of its field; of one without steps, here


class Appearance(NamedTuple):
    """How an entity is drawn at some moment."""

    teleports: int
    values: dict[int, Values]  # by record id


class Ghost(NamedTuple):
    """An entity that is gone, and still to be drawn for a moment."""

    until: int  # as the render clock counts
    entity: int
    components: Mapping[type, object]


class Renderer:
    """Draws one client's World.

    Attributes:
        fraction: How much of the way from the previous tick to the present one is drawn, of what is predicted.
        steered: The entities that this client's own inputs drive.
    """

    def __init__(self, world: World, interpolator: Interpolator, history: History, config: ClientConfig) -> None:
        """Draw `world`, of which `history` is what was predicted."""
        self._world = world
        self._interpolator = interpolator
        self._history = history
        self._fade_seconds = config.fade_seconds
        self._others_fade_seconds = config.others_fade_seconds
        self._by_class = {record.cls: record for record in interpolator.records.values()}
        self._names = {cls: _names(spec_of(cls)) for cls in self._by_class}
        self._twins: dict[tuple[int, type], Any] = {}
        self._offsets: dict[tuple[int, int], Offset] = {}
        self._unborn: dict[int, int] = {}  # by entity, when the clock will reach its beginning
        self._ghosts: list[Ghost] = []
        self._now = 0.0
        self.fraction = 1.0
        self.steered: Container[int] = ()

    def __repr__(self) -> str:
        """Show what is on its way."""
        return f"Renderer({len(self._offsets)} offsets, {len(self._unborn)} unborn, {len(self._ghosts)} ghosts)"

    # Drawing

    def view(self, types: tuple[type, ...]) -> Iterator[tuple[int, Any]]:
        """Yield entities that have these components, and the components as they should be drawn now.

        Who comes and goes with the picture does so where a place in it, or the like, is asked for; a list of players is
        that of the World.
        """
        one, render = len(types) == 1, self.render
        is_picture = any(each in self._by_class for each in types)
        unborn = self._unborn if is_picture else {}
        rows: Sequence[tuple[int, Any]] = self._world.observe(*types)
        for entity, found in rows:
            if unborn and entity in unborn and not self._world.has_component(entity, Predicted):
                continue
            yield entity, render(entity, found) if one else tuple([render(entity, each) for each in found])
        for ghost in self._ghosts if is_picture else ():
            parts = [render(ghost.entity, ghost.components[each]) for each in types if each in ghost.components]
            if len(parts) == len(types):
                yield ghost.entity, parts[0] if one else tuple(parts)

    def render(self, entity: int, component: T) -> T:
        """Return the component as it should be drawn now: itself, or a twin that is reused every frame.

        HOT: once per entity and component to draw, each frame; tests/bench/bench_rendering.py.
        """
        record = self._by_class.get(type(component))
        if record is None:
            return component
        offset = self._offsets.get((entity, record.id))
        if offset is None and self.fraction >= 1.0 and self._world.has_component(entity, Predicted):
            return component
        values = self._target(entity, record, component)
        if values is None:
            return component
        key = entity, record.cls
        twin: T = self._twins.get(key) or self._twins.setdefault(key, copy(component))
        for name in self._names[record.cls]:  # what does not travel shows as it is
            setattr(twin, name, getattr(component, name))
        record.codec.apply(twin, values if offset is None else _moved(record.fields, values, offset))
        return twin

    def _target(self, entity: int, record: Record, component: object) -> Values | None:
        """Return what is to be drawn in the end, when every difference has faded."""
        world = self._world
        if not world.has_component(entity, Predicted):
            return self._interpolator.sample(entity, record)
        present = record.codec.read(component)
        if self.fraction >= 1.0:
            return present
        before = self._history.values(advance_tick(world.tick, -1), entity, record.id)
        if before is None or self._has_just_jumped(entity):
            return present
        between = blend(record.fields, before, present, self.fraction)
        return tuple(
            drawn if declared.interpolate else now
            for declared, now, drawn in zip(record.fields, present, between, strict=True)
        )

    def _has_just_jumped(self, entity: int) -> bool:
        teleports = self._world.try_component(entity, Teleports)
        if teleports is None:
            return False
        jump = self._interpolator.teleports
        before = self._history.values(advance_tick(self._world.tick, -1), entity, jump)
        return before != (teleports.count,)

    # Time

    def advance(self, now: float, ticks: int, *, frame_ticks: float, fraction: float) -> None:
        """Go on to the next frame.

        Args:
            ticks: How many were simulated since the last one.
            frame_ticks: How many that are on average.
            fraction: How much of the time from the last tick to the next one has passed, 0 to 1.
        """
        passed, self._now = max(0.0, now - self._now), now
        self.fraction = 1.0 if frame_ticks >= WHOLE_TICKS else fraction
        if self.fraction >= 1.0 and ticks != max(1, round(frame_ticks)):
            self._even_out(ticks - max(1, round(frame_ticks)))
        tick = self._interpolator.clock.advance(now)
        if self._offsets:
            self._fade(_left(passed, self._fade_seconds), _left(passed, self._others_fade_seconds))
        if self._unborn:
            self._unborn = {entity: at for entity, at in self._unborn.items() if at > tick}
        if self._ghosts:
            for ghost in self._ghosts:
                if ghost.until <= tick:
                    self.forget(ghost.entity)
            self._ghosts = [ghost for ghost in self._ghosts if ghost.until > tick]

    def _even_out(self, surplus: int) -> None:
        """Draw a frame in which more or fewer ticks fell than in others as if it were like them.

        A client's ticks are a little longer or shorter than the frames, and now and then two fall into one. Shown as it
        is, everything predicted would stop or leap in that frame.
        """
        before = advance_tick(self._world.tick, -1)
        for entity, _ in self._world.observe(Predicted):
            for record in self._by_class.values():
                component = self._world.try_component(entity, record.cls)
                then = self._history.values(before, entity, record.id)
                if component is None or then is None or self._has_just_jumped(entity):
                    continue
                step = _between(record.fields, then, record.codec.read(component))
                offset = self._offsets.get((entity, record.id)) or [0.0] * len(step)
                self._offsets[entity, record.id] = [
                    part - surplus * change for part, change in zip(offset, step, strict=True)
                ]

    def _fade(self, own: float, others: float) -> None:
        """Let differences shrink, and end.

        Args:
            own: What is left of those of one's own entities.
            others: What is left of all others.
        """
        records, steered = self._interpolator.records, self.steered
        for key, offset in list(self._offsets.items()):
            factor = own if key[0] in steered else others
            faded = [part * factor for part in offset]
            if _is_visible(records[key[1]].fields, faded):
                self._offsets[key] = faded
            else:
                del self._offsets[key]

    # What happens to what is drawn

    def appearance(self, entity: int) -> Appearance:
        """Return how an entity is drawn now, for `hold`."""
        values: dict[int, Values] = {}
        for record in self._by_class.values():
            component = self._world.try_component(entity, record.cls)
            if component is not None:
                drawn = self.render(entity, component)
                values[record.id] = record.codec.read(drawn)
        return Appearance(self._teleports(entity), values)

    def settle(self, entity: int) -> None:
        """Let an entity that is predicted no more not be drawn where it was before it was teleported."""
        self._interpolator.leap(entity)

    def hold(self, entity: int, appearance: Appearance) -> None:
        """Draw an entity as it was drawn before something changed, and let the difference fade; unless it jumped."""
        has_jumped = appearance.teleports != self._teleports(entity)
        for record_id, shown in appearance.values.items():
            record = self._interpolator.records[record_id]
            self._offsets.pop((entity, record_id), None)
            component = self._world.try_component(entity, record.cls)
            if component is None or has_jumped:
                continue
            target = self._target(entity, record, component)
            if target is not None:
                offset = _between(record.fields, target, shown)
                if _is_visible(record.fields, offset):
                    self._offsets[entity, record_id] = offset

    def feed(self, receiver: Receiver, tick: Tick, now: float) -> None:
        """Follow what one state message did."""
        interpolator, clock = self._interpolator, self._interpolator.clock
        if clock.is_guessing:
            late = dict.fromkeys(interpolator.tracked())  # any of them may be drawn where it never was
        else:
            late = {
                entity: None
                for entity, record_id, _, _ in receiver.changes
                if (newest := interpolator.newest(entity, record_id)) is not None and clock.tick > newest
            }
        gone = receiver.despawned
        appearances = {
            entity: self.appearance(entity)
            for entity in late
            if entity not in gone and not self._world.has_component(entity, Predicted)
        }
        interpolator.feed(receiver.changes, tick, now, receiver.overtaken)
        for entity, appearance in appearances.items():
            self.hold(entity, appearance)
        at = clock.unwrapped(tick)
        for entity in receiver.spawned if receiver.synced else ():  # what a late join brings was there before
            if at > clock.tick and interpolator.is_tracked(entity):
                self._unborn[entity] = at
        for entity, components in gone.items():
            self._end(entity, components, at)

    def _end(self, entity: int, components: Mapping[type, object], at: int) -> None:
        """Draw an entity for as long as the clock has not reached its end."""
        is_seen = self._interpolator.is_tracked(entity) and self._unborn.pop(entity, None) is None
        if is_seen and Predicted not in components and at > self._interpolator.clock.tick:
            self._ghosts.append(Ghost(at, entity, components))
        else:
            self.forget(entity)

    def forget(self, entity: int) -> None:
        """Drop an entity that is gone."""
        self._interpolator.forget(entity)
        for record in self._by_class.values():
            self._twins.pop((entity, record.cls), None)
            self._offsets.pop((entity, record.id), None)

    def _teleports(self, entity: int) -> int:
        """Return how often an entity had been put elsewhere at the moment that is drawn."""
        if not self._world.has_component(entity, Predicted):
            return self._interpolator.jumps_so_far(entity)
        # As predicted: the component itself may be new, and then it came with a count that is not yet drawn.
        before = self._history.at(advance_tick(self._world.tick, -1)) or {}
        record = self._interpolator.teleports
        if (entity, record) in before:
            [count] = before[entity, record]
            assert isinstance(count, int)
            return count
        teleports = self._world.try_component(entity, Teleports)
        if teleports is None or any((entity, each) in before for each in self._interpolator.records):
            return 0
        return teleports.count


def _names(spec: ComponentSpec) -> list[str]:
    return [*(declared.name for declared in spec.fields), *spec.local]


def _moved(fields: Sequence[NetField], values: Values, offset: Offset) -> Values:
    return tuple(
        value + part if declared.interpolate and isinstance(value, int | float) else value
        for declared, value, part in zip(fields, values, offset, strict=True)
    )


def _between(fields: Sequence[NetField], target: Values, shown: Values) -> Offset:
    return [
        difference(declared, there, drawn) if declared.interpolate else 0.0
        for declared, there, drawn in zip(fields, target, shown, strict=True)
    ]


def _left(passed: float, fade_seconds: float) -> float:
    """Return which part of a difference is left after some seconds."""
    return exp(-passed / fade_seconds) if fade_seconds > 0.0 else 0.0


def _is_visible(fields: Sequence[NetField], offset: Offset) -> bool:
    return any(
        abs(part) >= (declared.step or FALLBACK_STEP) / 2 for declared, part in zip(fields, offset, strict=True) if part
    )
