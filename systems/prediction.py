"""Prediction: the client runs the game's own systems on what it owns, ahead of the server, and mends it when wrong.

Each predicted tick is remembered. The server's state of tick T is compared with what was predicted for T: equal, and
nothing happens; different, and the predicted entities are rewound to the server's values and the ticks since are
simulated again with the inputs of then. Both sides quantise what inputs drive, and what was spawned for it, after every
tick (`Quantise`), so equal inputs give equal bits and a good prediction never needs mending.

Besides what its own inputs drive (steered), a client predicts what it made itself ahead of the server (ahead.py), and
what a system asked for (guests.py). Of these, what the server does not quantise is compared within two steps of its
fields.
"""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from ecsnet.components.interpolated import Interpolated
from ecsnet.components.owner import Owner
from ecsnet.components.predicted import Predicted
from ecsnet.components.spawned import Spawned
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.system import Processor, System
from ecsnet.systems.ahead import Ahead
from ecsnet.systems.comparison import Comparison
from ecsnet.systems.guests import Guests
from ecsnet.systems.history import History, Snapshot
from ecsnet.systems.inputhistory import InputHistory
from ecsnet.systems.quantisation import is_quantised, quantise
from ecsnet.systems.rendering import Renderer
from ecsnet.wire import Tick, advance_tick, tick_difference
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ClientSession

__all__ = ["Predict", "Predictor", "Reconcile"]


class Predictor:
    """Runs predicted systems and keeps what they made of the last ticks. It is its World's `foresight`.

    Attributes:
        always_roll_back: Rewind and simulate again at every state of the server, also where nothing differs: a test
            of the game, as it must change nothing.
        corrections: How often what the client steers had to be mended.
        guest_corrections: How often only something else had to be that it predicts along.
        replayed_ticks: How many ticks were simulated again for anything.
    """

    def __init__(
        self,
        world: World,
        schema: Schema,
        receiver: Receiver,
        inputs: InputHistory,
        systems: Sequence[Processor],
        renderer: Renderer,
        history: History,
        *,
        max_rollback_ticks: int,
    ) -> None:
        """Predict with `systems`, in their order."""
        self._world = world
        self._schema = schema
        self._receiver = receiver
        self._inputs = inputs
        self._systems = tuple(systems)
        self._renderer = renderer
        self._history = history
        self._max_rollback_ticks = max_rollback_ticks
        self._steered: dict[int, None] = {}
        self._mine: dict[int, None] = {}  # these, and what they made
        self._comparison = Comparison(world, schema, receiver, history, max_rollback_ticks=max_rollback_ticks)
        self._guests = Guests()
        self._ahead = Ahead(world, receiver, patience_ticks=max_rollback_ticks)
        self._heard: Tick | None = None  # the newest own part looked at
        self._waiting: dict[Tick, Snapshot] = {}  # the server's values of ticks that are still to be simulated here
        self._checked: Tick | None = None
        self._checked_values: Snapshot = {}
        self.always_roll_back = False
        self.corrections = 0
        self.guest_corrections = 0
        self.replayed_ticks = 0

    # What predicted systems ask for

    def predict(self, entity: int, by: int, seconds: float) -> None:
        """Predict an entity along for some time."""
        if entity not in self._steered:
            self._guests.invite(self._world, entity, by, seconds)

    def spawn(self, parts: Sequence[object]) -> int:
        """Make an entity ahead of the server."""
        return self._ahead.spawn(parts)

    def hide(self, entity: int) -> None:
        """Take an entity away ahead of the server."""
        self._ahead.hide(entity)

    def tell(self) -> None:
        """Note for the game which entities prediction took away or gave back in this update."""
        self._ahead.tell()
        for entity in self._ahead.take_discarded():
            self._renderer.forget(entity)

    # Who is predicted

    def mark(self, client_id: int) -> None:
        """Follow what a state changed of who is predicted: what this client owns and steers or made, and guests."""
        world, component = self._world, self._schema.game.input
        self._ahead.client_id = client_id
        for entity in self._receiver.take_spawned():
            if not world.has_component(entity, Predicted):
                world.add_component(entity, Interpolated())
        owned = [entity for entity, owner in world.observe(Owner) if owner.client_id == client_id]
        steers = [e for e in owned if component is not None and world.has_component(e, component)]
        self._steered = self._renderer.steered = self._comparison.steered = dict.fromkeys(steers)
        self._mine = {**self._steered, **dict.fromkeys(e for e in owned if world.has_component(e, Spawned))}
        for entity in self._mine:
            if not world.has_component(entity, Predicted):
                self._begin(entity)
        for entity, _ in world.observe(Predicted):
            if entity not in self._mine and entity not in self._guests:
                self._end(entity)
        self._ahead.take_back()

    def _begin(self, entity: int) -> None:
        """Predict an entity from now on."""
        self._receiver.news.note_entity(entity)
        appearance = self._renderer.appearance(entity)
        self._world.remove_component(entity, Interpolated)
        self._world.add_component(entity, Predicted())
        self._renderer.hold(entity, appearance)

    def _end(self, entity: int) -> None:
        """Predict an entity no more: the server's values take the place of ours."""
        appearance = self._renderer.appearance(entity)
        self._world.remove_component(entity, Predicted)
        self._world.add_component(entity, Interpolated())
        self._receiver.restore(entity)
        self._renderer.settle(entity)
        self._renderer.hold(entity, appearance)

    def _end_guests(self) -> None:
        for entity in self._guests.take_leaving(self._world.tick):
            if self._world.has_component(entity, Predicted) and entity not in self._mine:
                self._end(entity)

    # One tick

    def advance(self) -> None:
        """Simulate the World's tick, and again with those whom it asked to predict along."""
        self._simulate()
        invited = [entity for entity in self._guests.take_new() if self._world.entity_exists(entity)]
        if invited:
            self._admit(invited)

    def _admit(self, invited: Sequence[int]) -> None:
        """Let guests take part from the server's last state on; the World's tick is simulated as if for the first time.

        First everything is put back to where it was last drawn: what the tick made of a World in which the guests stood
        still, a runner thrown out of one of them, say, is nothing to go on from.
        """
        world = self._world
        tick, before = world.tick, advance_tick(world.tick, -1)
        world.tick = before
        self._write(self._history.at(before) or {})
        for entity in invited:
            if not world.has_component(entity, Predicted):
                self._begin(entity)
        if self._checked is not None:
            of_guests = self._comparison.confirmed(self._checked)  # may be of a later tick
            self._roll_back(self._checked, {**of_guests, **self._checked_values}, last=before)
        world.tick = tick
        self._simulate()

    def _simulate(self) -> None:
        """Simulate the World's tick for the predicted entities and remember the outcome."""
        world = self._world
        self._set_inputs()
        with world.predicting():
            for system in self._systems:
                world.run(system)
        self._ahead.end_tick()
        predicted = [entity for entity, _ in world.observe(Predicted)]
        before = self._history.at(advance_tick(world.tick, -1)) or {}
        exact = [entity for entity in predicted if is_quantised(self._schema, world, entity)]
        outcome = quantise(self._schema, world, exact, before)
        for entity in predicted:
            if entity not in exact:
                for record, component in self._schema.records_on(world, entity):
                    outcome[entity, record.id] = record.codec.read(component)
        self._history.record(world.tick, outcome)

    def _set_inputs(self) -> None:
        component, codec = self._schema.game.input, self._schema.input_codec
        values = self._inputs.at(self._world.tick)
        if component is None or values is None:
            return
        for entity in self._steered:
            command = self._world.try_component(entity, component)
            if command is not None:
                codec.apply(command, values)

    # The server's word

    def reconcile(self) -> None:
        """Compare the newest confirmed tick with what was predicted for it; rewind and re-simulate if they differ."""
        self._end_guests()
        tick, last = self._receiver.own_tick, advance_tick(self._world.tick, -1)  # the World's is still to come
        if tick is not None and tick != self._heard:
            self._heard = tick
            self._waiting[tick] = self._comparison.confirmed(tick)
            while len(self._waiting) > self._max_rollback_ticks:
                del self._waiting[next(iter(self._waiting))]
        due = [each for each in self._waiting if tick_difference(last, each) >= 0]
        if not due:
            return  # the server is ahead of us: check on reaching its tick
        tick = due[-1]
        confirmed = self._checked_values = self._waiting[tick]
        for each in due:
            del self._waiting[each]
        predicted = self._history.at(tick)
        since, self._checked = self._checked, tick
        self._ahead.expire(tick)
        if predicted is None:
            self._roll_back(tick, confirmed, last=last)
            return
        wrong = self._comparison.find_wrong(tick, predicted, confirmed)
        if any(entity in self._steered for entity, _ in wrong):
            self.corrections += 1
        elif wrong:
            self.guest_corrections += 1
        if wrong:
            self._world.doubt(since, tick)
        if wrong or self._ahead.is_stale or self.always_roll_back:
            self._roll_back(tick, confirmed, last=last, wrong={entity for entity, _ in wrong}, since=since)

    def _roll_back(
        self, tick: Tick, confirmed: Snapshot, *, last: Tick, wrong: Container[int] = (), since: Tick | None = None
    ) -> None:
        """Go back to a tick, as the server has it, and simulate again up to and with `last`.

        HOT: many ticks at once; tests/bench/bench_prediction.py.

        Args:
            wrong: Who was not as predicted at that tick.
            since: When all were, at last.
        """
        renderer, predicted = self._renderer, [entity for entity, _ in self._world.observe(Predicted)]
        appearances = [(entity, renderer.appearance(entity)) for entity in predicted]
        count = tick_difference(last, tick)
        self._ahead.is_stale = False
        if count <= self._max_rollback_ticks:
            self._ahead.rewind(tick, wrong=wrong, since=since)
            self._restore(tick, confirmed)
            self._simulate_again(tick, count)
            self._ahead.settle()
        else:
            self._write(confirmed)  # too long a way: show the server's truth until the network is better
        for entity, appearance in appearances:
            if self._world.entity_exists(entity):
                renderer.hold(entity, appearance)

    def _restore(self, tick: Tick, confirmed: Snapshot) -> None:
        """Put everything to where it was predicted to be in a tick, and where the server says otherwise, to there.

        What is close enough is left as it was predicted: going back where nothing is wrong must change nothing.
        """
        then = self._history.at(tick) or {}
        if then:
            self._take_given({*then, *confirmed})
            self._write(then)
        differs = self._comparison.differs
        self._write({key: told for key, told in confirmed.items() if key not in then or differs(key, then[key], told)})

    def _simulate_again(self, tick: Tick, count: int) -> None:
        world = self._world
        present = world.tick
        world.replaying = True
        try:
            for step in range(1, count + 1):
                world.tick = advance_tick(tick, step)
                self._simulate()
        finally:
            world.replaying = False
            world.tick = present
        self.replayed_ticks += max(0, count)

    def _take_given(self, known: Container[tuple[int, int]]) -> None:
        """Take away the components that predicted systems have given since then, and the server has not."""
        world = self._world
        for entity, _ in world.observe(Predicted):
            theirs = self._receiver.classes_of(entity)
            for record, _ in self._schema.records_on(world, entity):
                if (entity, record.id) not in known and record.cls not in theirs:
                    world.remove_component(entity, record.cls)

    def _write(self, snapshot: Snapshot) -> None:
        """Write values into the components they belong to, of what is predicted; give back one that was taken since."""
        records, component_of, told = self._schema.records, self._world.try_component, self._receiver.confirmed
        for (entity, record_id), values in snapshot.items():
            record = records[record_id]
            if not self._world.has_component(entity, Predicted):
                continue
            component = component_of(entity, record.cls)
            if component is None and record_id in told.get(entity, {}):  # else the server took it away
                component = record.cls()
                self._world.add_component(entity, component)
            if component is not None:
                record.codec.apply(component, values)


class Reconcile(System):
    """Client: mend the prediction where the server's state shows it was wrong."""

    def __init__(self, session: "ClientSession") -> None:
        """Bind to the conversation."""
        self._predictor = session.predictor

    def process(self, world: World) -> None:  # noqa: ARG002  # it predicts one World
        """Compare and, if needed, rewind and re-simulate."""
        self._predictor.reconcile()


class Predict(System):
    """Client: run the game's predicted systems for this tick on what this client owns."""

    def __init__(self, session: "ClientSession") -> None:
        """Bind to the conversation."""
        self._predictor = session.predictor

    def process(self, world: World) -> None:  # noqa: ARG002  # it predicts one World
        """Simulate one tick ahead of the server."""
        self._predictor.advance()
