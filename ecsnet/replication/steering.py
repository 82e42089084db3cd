"""What one client's inputs drive, told so that its prediction can be compared whole, and hardly a byte twice.

A prediction of tick T is compared with all that the server had at T, also with what did not change: only so does a
client find out that something stands still which it thought to be moving. But most of an entity never changes, and most
of what does is in the frame anyway. So the first message of a tick, the one with the own part, is in one of two ways
complete for the entities the client steers:

- It names them (`steers`), and holds all their records; what of them is not in the message is not to be compared.
- It does not name them. Then they are those named last, and a record that is not in the message is what the client has.

The second holds as long as a message with an own part arrived since they were named, of tick B: told is what changed
after B and is not in the message anyway. What any such message said is known, by induction, to whoever has it.

Whom a value names can become another for one client though the value did not change: when that entity comes into its
view. No tick of a change says so; `tell_again` does.

Entities are known here by their network ids toward the client.
"""

from collections.abc import Mapping

from ecsnet.replication.chunks import Chunk
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.wire import Tick, is_newer

__all__ = ["Steering"]


class Steering:
    """The server's memory of what one client knows of the entities it steers.

    Attributes:
        fulls: Of these entities, the tick of the last full that arrived.
        is_idle: Whether the client knows that it steers nothing, as one does that was told nothing yet.
    """

    __slots__ = ("_again", "_arrived", "_named", "_named_at", "fulls", "is_idle")

    def __init__(self) -> None:
        """Begin with a client that knows nothing."""
        self._named: tuple[int, ...] = ()
        self._named_at: Tick = 0
        self._arrived: Tick | None = None
        self._again: dict[int, tuple[int, Tick]] = {}  # records that are news without a change, and since when
        self.fulls: dict[int, Tick] = {}
        self.is_idle = True

    def __repr__(self) -> str:
        """Show what the client was told last, and what has arrived."""
        return f"Steering({self._named} since {self._named_at}, arrived {self._arrived})"

    def arrived(self, tick: Tick) -> None:
        """Note that a message with an own part arrived."""
        if self._arrived is None or is_newer(tick, self._arrived):
            self._arrived = tick

    def tell_again(self, network_id: int, bits: int, tick: Tick) -> None:
        """Have records told that did not change, until a message of `tick` or later arrived."""
        self._again[network_id] = (bits | self._again.get(network_id, (0, 0))[0], tick)

    def plan(
        self, steered: Mapping[int, Tracked], known: Mapping[int, Tick], chunk: Chunk | None, tick: Tick
    ) -> tuple[bool, list[Row]]:
        """Return whether the entities are to be named, and which of their records are to be told.

        HOT: once per client per send tick; tests/bench/bench_replication.py.

        Args:
            steered: Those the client was sent whole, and need not be sent anew.
            known: The tick of each one's last full.
            chunk: What of the frame is in the same message.
        """
        ids = tuple(steered)
        if ids != self._named or self.is_idle:
            self._name(ids, tick)
        base = self._arrived
        if base is None or is_newer(self._named_at, base):
            return True, _whole(steered)
        rows, fulls = [], self.fulls
        for network_id, tracked in steered.items():
            if fulls.get(network_id) != known.get(network_id):
                return True, _whole(steered)
            bits = tracked.changed_since(base) & tracked.kind.steered_bits
            if bits and chunk is not None:
                bits &= ~chunk.bits_of(tracked)
            if self._again:
                bits |= self._due_again(network_id, base)
            if bits:
                rows.append((tracked, bits))
        self.is_idle = not ids
        return False, rows

    def forgo(self) -> None:
        """Tell everything at every send: it does not fit one message, so none arrives whole."""
        self._named = (0,)  # no entity: whatever comes next is another set

    def _name(self, ids: tuple[int, ...], tick: Tick) -> None:
        self._named, self._named_at, self.is_idle = ids, tick, False
        self.fulls = {i: self.fulls[i] for i in ids if i in self.fulls}
        self._again = {}  # all of it is told

    def _due_again(self, network_id: int, base: Tick) -> int:
        bits, since = self._again.get(network_id, (0, base))
        if not is_newer(since, base):
            self._again.pop(network_id, None)
            return 0
        return bits


def _whole(steered: Mapping[int, Tracked]) -> list[Row]:
    return [(tracked, tracked.kind.steered_bits) for tracked in steered.values()]
