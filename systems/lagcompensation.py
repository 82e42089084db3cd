"""Lag compensation: for a moment, everything is where a client saw it when it pressed. Both ends of it.

    with world.rewind(owner.client_id):
        ...  # who is hit, by Transform2D and Collider2D as always

A client draws others some 200 ms before the tick in which the server simulates its shot, and says with each input by
how much (systems/input.py). The server keeps where everything was lately, and inside the block puts it there:
Transform2D blended between two ticks, Collider2D as of the earlier one. It is the same components that move, so hit
tests need no second version of themselves. They are put back as the very values they were, and colliders are written
without leaving a mark: neither replication nor `world.changed` notices anything.

Left where they are: what the client predicts, since it saw that in the present, and whatever has no collider. What was
not there at that time is on no layer and meets none; to move it away instead would take a bullet from its own game,
which reads its place. What has gone since stays gone.

On a client, predicted systems run the same code: there the block shows them what is drawn, or was, when a tick is
simulated again. So a client predicts the hit that the server will find.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from math import ceil, pi, tau
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from ecsnet.components.collider2d import Collider2D
from ecsnet.components.owner import Owner
from ecsnet.components.predicted import Predicted
from ecsnet.components.spawned import Spawned
from ecsnet.components.transform2d import Transform2D
from ecsnet.errors import SchemaError
from ecsnet.marks import assign_unmarked
from ecsnet.system import System
from ecsnet.systems.collision import Collision
from ecsnet.wire import Tick, advance_tick, tick_difference
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ClientSession, ServerSession

__all__ = ["LagCompensation", "Picture"]

MAX_LAG_TICKS = 63.75  # more than that no input can say: the ring is bounded by it, whatever the configuration
_SHAPE_FIELDS = tuple(declared.name for declared in fields(Collider2D))
_place = attrgetter("x", "y", "rotation")
_shape = attrgetter(*_SHAPE_FIELDS)
_LAYERS = tuple(_SHAPE_FIELDS.index(name) for name in ("layer", "mask"))

Place: TypeAlias = tuple[float, float, float]
Shape: TypeAlias = tuple[object, ...]
Rows: TypeAlias = Sequence[tuple[int, tuple[Transform2D, Collider2D]]]


class LagCompensation(System):
    """Server: remember where everything with a Transform2D and a Collider2D was, so that `world.rewind` can go there.

    A game lists it after whatever moves colliders: Collision, or its own systems.
    """

    def __init__(self) -> None:
        """Remember nothing yet; `attach` says how much."""
        self._session: ServerSession | None = None
        self._limit_ticks = 0.0
        self._past = Past(0)
        self._moved = Displacement()

    def attach(self, world: World, session: "ServerSession") -> None:
        """Serve `world.rewind` with the lags of this server's clients.

        Raises:
            SchemaError: The game lists Collision after this: remembered would be where things were before they moved.
        """
        listed = session.game.systems
        for system in listed[listed.index(LagCompensation) :] if LagCompensation in listed else ():
            if isinstance(system, type) and issubclass(system, Collision):
                raise SchemaError(
                    f"Game({session.game.name!r}) lists LagCompensation before {system.__name__}, which moves what it "
                    "remembers; list it after"
                )
        self._session = session
        self._limit_ticks = min(MAX_LAG_TICKS, session.game.max_rewind_seconds * world.tick_rate_hz)
        self._past = Past(ceil(self._limit_ticks))
        world.rewinder = self

    def process(self, world: World) -> None:
        """Note where everything is in this tick."""
        if self._limit_ticks > 0.0:
            self._past.note(world)

    @contextmanager
    def rewind(self, world: World, client_id: int) -> Iterator[None]:
        """Put everything where a client saw it, until the block ends."""
        with self._moved.undone_after():
            lag_ticks = min(self._limit_ticks, self._lag_of(client_id))
            if lag_ticks > 0.0:
                self._past.restore(world, lag_ticks, self._predicted_by(world, client_id), self._moved)
            yield

    def _lag_of(self, client_id: int) -> float:
        assert self._session is not None, "the World knows of this system by attach()"
        buffer = self._session.input_buffers.get(client_id)
        return 0.0 if buffer is None else buffer.lag_ticks

    def _predicted_by(self, world: World, client_id: int) -> set[int]:
        assert self._session is not None, "the World knows of this system by attach()"
        component = self._session.game.input
        assert component is not None, "without inputs nobody has a lag"
        found: list[tuple[int, tuple[Owner, object]]] = [
            *world.observe(Owner, component),
            *world.observe(Owner, Spawned),
        ]
        return {entity for entity, (owner, _) in found if owner.client_id == client_id}


class Picture:
    """Client: what is drawn, for predicted systems. `Client` makes it; nothing is kept for it."""

    def __init__(self, session: "ClientSession") -> None:
        """Bind to the conversation."""
        self._session = session
        self._moved = Displacement()

    @contextmanager
    def rewind(self, world: World, client_id: int) -> Iterator[None]:
        """Put everything where this client drew it for the World's tick; of other clients it knows nothing."""
        session = self._session
        with self._moved.undone_after():
            if client_id == session.peer.client_id and session.lag_ticks > 0.0:
                most = session.game.max_rewind_seconds * world.tick_rate_hz  # as the server, which decides
                drawn = session.interpolator.clock.unwrapped(world.tick) - min(session.lag_ticks, most)
                [record], seen = session.schema.records_of[Transform2D], Transform2D()
                for entity, (transform, _) in world.observe(Transform2D, Collider2D):
                    if not world.has_component(entity, Predicted):
                        values = session.interpolator.sample(entity, record, drawn)
                        if values is not None:
                            record.codec.apply(seen, values)
                            self._moved.place(transform, _place(seen))
            yield


@dataclass(slots=True, eq=False)
class Cast:
    """Who is there, in columns, as long as nobody comes or goes."""

    rows: Rows
    transforms: list[Transform2D]
    colliders: list[Collider2D]
    index: dict[int, int]  # entity -> its place in the columns


@dataclass(slots=True, eq=False)
class Moment:
    """Where everything was in one tick."""

    tick: Tick
    index: dict[int, int]
    places: list[Place]
    shapes: list[Shape]


class Past:
    """The moments of the last ticks."""

    def __init__(self, ticks: int) -> None:
        """Go back `ticks` at most."""
        self._moments: deque[Moment] = deque(maxlen=ticks + 1)
        self._cast = Cast((), [], [], {})

    def __repr__(self) -> str:
        """Show how far it reaches."""
        return f"Past(ticks={[moment.tick for moment in self._moments]}, entities={len(self._cast.rows)})"

    def note(self, world: World) -> None:
        """Add the present. HOT: twice per collider per tick; tests/bench/bench_lagcompensation.py."""
        rows = world.observe(Transform2D, Collider2D)
        if rows is not self._cast.rows:  # the World keeps a list until it is true no more
            self._cast = _cast(rows)
        places, shapes = list(map(_place, self._cast.transforms)), list(map(_shape, self._cast.colliders))
        if self._moments:
            last = self._moments[-1]
            if world.tick != advance_tick(last.tick):
                self._moments.clear()  # the World's time was set: what was, was in another time
            elif shapes == last.shapes:
                shapes = last.shapes  # colliders hardly ever change: 1,000 of them are 120 kB a tick
        self._moments.append(Moment(world.tick, self._cast.index, places, shapes))

    def restore(self, world: World, lag_ticks: float, present: set[int], moved: "Displacement") -> None:
        """Put everything where it was `lag_ticks` before the World's tick, or as early as is known.

        Args:
            present: Entities to leave where they are.
        """
        if not self._moments:
            return
        old, new, fraction = self._around(lag_ticks - tick_difference(world.tick, self._moments[-1].tick))
        for entity, (transform, collider) in world.observe(Transform2D, Collider2D):
            if entity in present:
                continue
            at, then = old.index.get(entity), new.index.get(entity)
            if at is None or then is None:
                moved.hide(collider)
                continue
            place, target = old.places[at], new.places[then]
            moved.place(transform, place if place == target or not fraction else _blend(place, target, fraction))
            moved.shape(collider, old.shapes[at])

    def _around(self, back_ticks: float) -> tuple[Moment, Moment, float]:
        """Return the moments before and after a time, and where between them it lies, 0 to below 1."""
        newest = len(self._moments) - 1
        at = min(max(newest - back_ticks, 0.0), float(newest))
        first = int(at)
        return self._moments[first], self._moments[min(first + 1, newest)], at - first


class Displacement:
    """What was moved for the length of a block, and how to undo it."""

    def __init__(self) -> None:
        """Begin with nothing moved."""
        self._is_open = False
        self._places: list[tuple[Transform2D, Place]] = []
        self._shapes: list[tuple[Collider2D, Shape]] = []

    @contextmanager
    def undone_after(self) -> Iterator[None]:
        """Undo all that is done inside the block, when it ends.

        Raises:
            RuntimeError: A block is open already.
        """
        if self._is_open:  # the inner one would begin in the past of the outer, and leave there what it does not move
            raise RuntimeError("rewind() inside of rewind(): everything is in one past at a time; end the first block")
        self._is_open = True
        try:
            yield
        finally:
            self._undo()
            self._is_open = False

    def place(self, transform: Transform2D, place: Place) -> None:
        """Move an entity."""
        now = _place(transform)
        if now != place:
            self._places.append((transform, now))
            transform.x, transform.y, transform.rotation = place

    def shape(self, collider: Collider2D, shape: Shape) -> None:
        """Give an entity another shape."""
        now = _shape(collider)
        if now != shape:
            self._shapes.append((collider, now))
            _assign(collider, shape)

    def hide(self, collider: Collider2D) -> None:
        """Let an entity meet nobody."""
        self.shape(collider, tuple(0 if at in _LAYERS else value for at, value in enumerate(_shape(collider))))

    def _undo(self) -> None:
        for transform, place in self._places:
            transform.x, transform.y, transform.rotation = place
        for collider, shape in self._shapes:
            _assign(collider, shape)
        self._places.clear()
        self._shapes.clear()


def _cast(rows: Rows) -> Cast:
    return Cast(
        rows,
        [transform for _, (transform, _) in rows],
        [collider for _, (_, collider) in rows],
        {entity: at for at, (entity, _) in enumerate(rows)},
    )


def _assign(collider: Collider2D, shape: Shape) -> None:
    for name, value in zip(_SHAPE_FIELDS, shape, strict=True):
        assign_unmarked(collider, name, value)


def _blend(old: Place, new: Place, fraction: float) -> Place:
    """Go from one place towards another, turning the short way."""
    x, y, rotation = old
    turn = (new[2] - rotation + pi) % tau - pi
    return x + (new[0] - x) * fraction, y + (new[1] - y) * fraction, rotation + turn * fraction
