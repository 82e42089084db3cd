"""Comparison: what the server says of a tick, held against what was predicted for it.

What a client steers is told whole, with every state. Of guests, and of what it made ahead, only changes are told, and a
state that was lost may have told one: so it takes judgement which of what is known says anything of a tick.
"""

from collections.abc import Mapping, Sequence

from ecsnet.components.predicted import Predicted
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.systems.history import History, Snapshot
from ecsnet.systems.quantisation import is_close, is_quantised
from ecsnet.wire import Tick, advance_tick, is_newer, tick_difference
from ecsnet.world import World

__all__ = ["Comparison"]

REPAIR_SENDS = 4  # from hearing of a loss to the repair, in sends: an ACK may wait for one, the next send as well


class Comparison:
    """The server's word on what one client predicts.

    Attributes:
        steered: The entities that this client's own inputs drive.
    """

    def __init__(
        self, world: World, schema: Schema, receiver: Receiver, history: History, *, max_rollback_ticks: int
    ) -> None:
        """Compare what `receiver` has heard with `history`."""
        self._world = world
        self._schema = schema
        self._receiver = receiver
        self._history = history
        self._max_rollback_ticks = max_rollback_ticks
        self._interval = round(schema.game.tick_rate_hz / schema.game.send_rate_hz)
        self._taken: dict[tuple[int, int], Tick] = {}  # of guests, what was taken though it may be outdated
        self.steered: Mapping[int, None] = {}

    def find_wrong(self, tick: Tick, predicted: Snapshot, confirmed: Snapshot) -> list[tuple[int, int]]:
        """Return what was not as predicted for a tick; what should not have been there at all is forgotten."""
        given = [key for key in predicted if self._is_given(key, tick)]
        for key in given:
            del predicted[key]
        return [key for key, values in confirmed.items() if self.differs(key, predicted.get(key), values)] + given

    def confirmed(self, tick: Tick) -> Snapshot:
        """Return the server's values of what is predicted, as of the tick of the newest own part."""
        receiver, of_input = self._receiver, self._schema.game.input
        confirmed = {
            (entity, record_id): values
            for entity in self.steered
            for record_id, values in receiver.own_values(entity)
            if self._schema.records[record_id].cls is not of_input  # ours are in `inputs`
        }
        guests = [entity for entity, _ in self._world.observe(Predicted) if entity not in self.steered]
        losses = self._losses(tick) if guests else []
        told = {
            (entity, record_id): (at, values)
            for entity in guests
            for record_id, at, values in receiver.values_until(entity, tick)
        }
        self._taken = {key: at for key, at in self._taken.items() if key in told}
        for key, (at, values) in told.items():
            if self._is_worth_comparing(key, at, values, losses):
                confirmed[key] = values
        return confirmed

    def _losses(self, tick: Tick) -> Sequence[Tick]:
        """Return the states before a tick that did not come and are not repaired yet, newest first.

        A repair comes when the server has heard of the loss: a round trip later, which is less than this client is
        ahead, and some sends more.
        """
        ahead = tick_difference(self._world.tick, tick)
        sent = [advance_tick(tick, -back * self._interval) for back in range(1, ahead // self._interval + REPAIR_SENDS)]
        return [each for each in sent if not self._receiver.has_heard(each)]

    def _is_worth_comparing(self, key: tuple[int, int], at: Tick, values: Values, losses: Sequence[Tick]) -> bool:
        """Tell whether what the server said of a guest at a tick says anything of now.

        What a client steers is told whole. Of guests, a lost state may have told something newer. As long as it may,
        the prediction is the better guess if it was right before the loss; if it was wrong, what was told is taken
        once. To go back to what is outdated at every state until the repair comes would be seen as trembling.
        """
        since = [loss for loss in losses if is_newer(loss, at)]
        if not since:
            return True
        before = self._history.values(advance_tick(since[-1], -self._interval), *key)
        is_wrong = before is None or self.differs(key, before, values)
        if not is_wrong or self._taken.get(key) == at:
            return False
        self._taken[key] = at
        return True

    def differs(self, key: tuple[int, int], mine: Values | None, theirs: Values) -> bool:
        """Tell whether a record, named by entity and record id, is not as it was predicted."""
        entity, record_id = key
        if entity in self.steered or is_quantised(self._schema, self._world, entity):
            return mine != theirs
        return mine is not None and not is_close(self._schema.records[record_id], mine, theirs)

    def _is_given(self, key: tuple[int, int], tick: Tick) -> bool:
        """Tell whether it is predicted systems alone that had given a component by a tick.

        Of what a client steers it is told at once what there is. Of all else it takes its time, or a repair.
        """
        (entity, record_id), receiver = key, self._receiver
        told = receiver.confirmed.get(entity)
        if told is None or record_id in told or not receiver.is_structured_until(entity, tick):
            return False
        if self._schema.records[record_id].cls in receiver.classes_of(entity):
            return False  # that record of it is others' business
        if entity in self.steered:
            return receiver.own_is_whole
        return self._history.values(advance_tick(tick, -self._max_rollback_ticks), entity, record_id) is not None
