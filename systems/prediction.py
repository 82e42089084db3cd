"""Prediction: the client runs the game's own systems on what it owns, ahead of the server, and mends it when wrong.

Each predicted tick is remembered in quantised values. The server's state of tick T is compared with what was
predicted for T: equal, and nothing happens; different, and the predicted entities are rewound to the server's values
and the ticks since are simulated again with the inputs of then. Both sides quantise what an input drives after every
tick (`Quantise`), so equal inputs give equal bits and a good prediction never needs mending.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ecsnet.components.owner import Owner
from ecsnet.components.predicted import Predicted
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.system import Processor, System
from ecsnet.systems.inputhistory import InputHistory
from ecsnet.wire import Tick, advance_tick, tick_difference
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ClientSession, ServerSession

__all__ = ["Predict", "Predictor", "Quantise", "Reconcile"]

Snapshot: TypeAlias = dict[tuple[int, int], Values]  # (entity, record id) -> quantised values


class Predictor:
    """Runs predicted systems and keeps what they made of the last ticks.

    Attributes:
        corrections: How often a prediction had to be mended.
        replayed_ticks: How many ticks were simulated again for it.
        always_roll_back: Rewind and simulate again at every state of the server, also where nothing differs: a test of
            the game, as it must change nothing.
    """

    def __init__(
        self,
        schema: Schema,
        receiver: Receiver,
        inputs: InputHistory,
        systems: Sequence[Processor],
        *,
        max_rollback_ticks: int,
    ) -> None:
        """Predict with `systems`, in their order."""
        self._schema = schema
        self._receiver = receiver
        self._inputs = inputs
        self._systems = tuple(systems)
        self._max_rollback_ticks = max_rollback_ticks
        self._history: dict[Tick, Snapshot] = {}
        self._checked: Tick | None = None
        self.corrections = 0
        self.replayed_ticks = 0
        self.always_roll_back = False

    def advance(self, world: World) -> None:
        """Simulate the World's current tick for the predicted entities and remember the outcome."""
        self._set_inputs(world)
        with world.predicting():
            for system in self._systems:
                world.run(system)
        before = self._history.get(advance_tick(world.tick, -1), {})
        predicted = [entity for entity, _ in world.get_component(Predicted)]
        self._history[world.tick] = quantise(self._schema, world, predicted, before)
        while len(self._history) > 2 * self._max_rollback_ticks:
            del self._history[next(iter(self._history))]

    def reconcile(self, world: World) -> None:
        """Compare the newest confirmed tick with what was predicted for it; rewind and re-simulate if they differ."""
        tick = self._receiver.own_tick
        if tick is None or tick == self._checked:
            return
        ahead = (
            tick_difference(world.tick, tick) - 1
        )  # ticks simulated after the confirmed one; this tick is still to come
        predicted = self._history.get(tick)
        if predicted is None and ahead < 0:
            return  # the server is ahead of us: check on reaching that tick
        self._checked = tick
        confirmed = self._confirmed(world)
        if predicted is not None and all(predicted.get(key) == values for key, values in confirmed.items()):
            return
        self._rewind(world, confirmed)
        if ahead > self._max_rollback_ticks:
            return  # too long a way: show the server's truth until the network is better
        self.corrections += predicted is not None
        self._resimulate(world, tick, ahead)

    def _resimulate(self, world: World, tick: Tick, count: int) -> None:
        present = world.tick
        world.replaying = True
        try:
            for step in range(1, count + 1):
                world.tick = advance_tick(tick, step)
                self.advance(world)
        finally:
            world.replaying = False
            world.tick = present
        self.replayed_ticks += count

    def _set_inputs(self, world: World) -> None:
        component, codec = self._schema.game.input, self._schema.input_codec
        values = self._inputs.at(world.tick)
        if component is None or values is None:
            return
        for _, (command, _) in world.get_components(component, Predicted):
            codec.apply(command, values)

    def _confirmed(self, world: World) -> Snapshot:
        """Return the server's values for the predicted entities, of the tick of the newest own part."""
        return {
            (entity, record_id): values
            for entity, _ in world.get_component(Predicted)
            for record_id, values in self._receiver.own_values(entity)
        }

    def _rewind(self, world: World, confirmed: Snapshot) -> None:
        for (entity, record_id), values in confirmed.items():
            record = self._schema.records[record_id]
            component = world.try_component(entity, record.cls)
            if component is not None:
                record.codec.apply(component, values)


def quantise(schema: Schema, world: World, entities: Iterable[int], before: Snapshot) -> Snapshot:
    """Round what these entities hold to what the wire can say, in place; return their values.

    Args:
        before: Their values of a tick ago: what did not change since is quantised already, and that is most of it.
    """
    snapshot: Snapshot = {}
    for entity in entities:
        for record, component in schema.records_on(world, entity):
            key = entity, record.id
            values = before.get(key)
            if values is None or record.codec.read(component) != values:
                values = record.codec.quantise_component(component)
            snapshot[key] = values
    return snapshot


class Reconcile(System):
    """Client: mend the prediction where the server's state shows it was wrong."""

    def __init__(self, session: "ClientSession") -> None:
        """Bind to the conversation."""
        self._predictor = session.predictor

    def process(self, world: World) -> None:
        """Compare and, if needed, rewind and re-simulate."""
        self._predictor.reconcile(world)


class Predict(System):
    """Client: run the game's predicted systems for this tick on what this client owns."""

    def __init__(self, session: "ClientSession") -> None:
        """Bind to the conversation."""
        self._predictor = session.predictor

    def process(self, world: World) -> None:
        """Simulate one tick ahead of the server."""
        self._predictor.advance(world)


class Quantise(System):
    """Server: round what inputs drive to what the wire can say, so that client and server go on from the same bits."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the game's schema."""
        self._schema = session.schema
        self._before: Snapshot = {}

    def process(self, world: World) -> None:
        """Quantise every entity that has an input component and an owner."""
        component = self._schema.game.input
        if component is None:
            return
        steered = [entity for entity, (owner, _) in world.get_components(Owner, component) if owner.client_id]
        self._before = quantise(self._schema, world, steered, self._before)
