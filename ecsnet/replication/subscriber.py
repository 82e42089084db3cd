"""What the server remembers of one client: what it may know, what it still needs, and what is on its way.

For every record of every entity a client sees, exactly one of these holds at any time:

- an unacknowledged message carries its present value (or the entity's full does),
- it is marked here (`dirty`, or the entity in `needs_full`),
- the client has it.

A report moves things from the first to the third or back to the second. A change moves them to the first by itself:
the frame that tells it goes to every client of the audience. That is why a lost update matters only if nothing newer
was told since.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecsnet.replication.chunks import Chunk
from ecsnet.replication.frames import encode_full, encode_records
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.replication.names import Names
from ecsnet.replication.steering import Steering
from ecsnet.wire import Tick, is_newer

if TYPE_CHECKING:
    from ecsnet.replication.audiences import View

__all__ = ["Sent", "Subscriber"]


@dataclass(slots=True, eq=False)
class Sent:
    """What one message carried, until it is known to have arrived or to be lost.

    Attributes:
        fulls: Entities, each with the network id it had.
        gones: Network ids, each with whether it was deleted or only left the view.
        has_own: Whether it began with an own part.
    """

    tick: Tick
    chunks: Sequence[Chunk] = ()
    repairs: Sequence[Row] = ()
    fulls: Sequence[tuple[int, Tracked]] = ()
    gones: Sequence[tuple[int, bool]] = ()
    has_own: bool = False


class Subscriber:
    """The server's memory of one client. All tables are ordered oldest first.

    Attributes:
        view: The audiences it belongs to.
        names: What it knows entities by.
        known: Network ids a full was ever sent of, with the tick of the last one: the client may have them.
        needs_full: Entities it has nothing of, or not the present records, by network id.
        needs_gone: Network ids it may have and must not keep: their tick from `known`, and whether they were deleted.
        dirty: Records whose last change it missed, as bits.
        overdrawn: Bytes it was sent beyond its budget, which the next sends save.
        repairs_turn: Whether a repair may do so, or what is sent whole.
        sent: Unacknowledged messages by token, oldest first, bounded.
        joining: Network ids it must have before it is called synced; None before its first message.
        steering: What it knows of the entities it steers.
    """

    __slots__ = (
        "_next_token", "client_id", "dirty", "joining", "known", "names", "needs_full", "needs_gone", "overdrawn",
        "repairs_turn", "sent", "steering", "view",
    )  # fmt: skip

    def __init__(self, client_id: int) -> None:
        """Begin with a client that knows nothing."""
        self.client_id = client_id
        self.view: View
        self.names = Names()
        self.known: dict[int, Tick] = {}
        self.needs_full: dict[int, Tracked] = {}
        self.needs_gone: dict[int, tuple[Tick, bool]] = {}
        self.dirty: dict[Tracked, int] = {}
        self.overdrawn = 0
        self.repairs_turn = False
        self.sent: dict[int, Sent] = {}
        self.joining: set[int] | None = None
        self.steering = Steering()
        self._next_token = 0

    def __repr__(self) -> str:
        """Show how much the client knows and lacks."""
        return (
            f"Subscriber({self.client_id}, known={len(self.known)}, needs_full={len(self.needs_full)}, "
            f"needs_gone={len(self.needs_gone)}, dirty={len(self.dirty)}, sent={len(self.sent)})"
        )

    @property
    def lacks_nothing(self) -> bool:
        """Whether the frame alone is all there is to send."""
        return not (self.needs_full or self.dirty or self.needs_gone)

    def knows(self, entity: int) -> bool:
        """Tell whether the client knows of an entity, or is about to."""
        network_id = self.names.of(entity)
        return network_id in self.known or network_id in self.needs_full

    def present(self, steered: Iterable[Tracked]) -> dict[int, Tracked]:
        """Return, by network id, which of these entities the client has, or has on its way, whole."""
        known, needs_full, of = self.known, self.needs_full, self.names.of
        return {i: tracked for tracked in steered if (i := of(tracked.id)) in known and i not in needs_full}

    # What happens to entities.

    def show(self, tracked: Tracked) -> None:
        """Send an entity anew: it appeared, or the client shall see other records of it."""
        self.names.give(tracked)
        network_id = self.names.of(tracked.id)
        self.needs_full[network_id] = tracked
        told = self.needs_gone.pop(network_id, None)
        if told is not None:
            self.known[network_id] = told[0]  # not told that it went: should it go again, it must be
        self.dirty.pop(tracked, None)

    def hide(self, tracked: Tracked, *, is_end: bool = False) -> None:
        """Take an entity away.

        Args:
            is_end: It was deleted. Else nothing of it is for this client any more.
        """
        network_id = self.names.take(tracked.id)
        self.steering.fulls.pop(network_id, None)
        self.needs_full.pop(network_id, None)
        self.dirty.pop(tracked, None)
        if self.joining:
            self.joining.discard(network_id)
        told_at = self.known.pop(network_id, None)
        if told_at is not None:
            self.needs_gone[network_id] = (told_at, is_end)  # one that was never sent needs no word

    def mark(self, tracked: Tracked, bits: int, tick: Tick) -> None:
        """Note that this client missed records as they were at `tick`, unless a full tells, or told, it all."""
        network_id = self.names.of(tracked.id)
        told_at = self.known.get(network_id)
        if bits and told_at is not None and network_id not in self.needs_full and is_newer(tick, told_at):
            self.dirty[tracked] = self.dirty.get(tracked, 0) | bits

    def settle(self, tracked: Tracked, bits: int) -> None:
        """Note that records are on their way again."""
        missed = self.dirty.get(tracked, 0)
        if missed & ~bits:
            self.dirty[tracked] = missed & ~bits
        elif missed:
            del self.dirty[tracked]

    # What this client is told of an entity, in its own terms.

    def names_of(self, entities: Iterable[Tracked]) -> list[bytes]:
        """Return the network ids of entities as they stand in messages."""
        return [self.names.bytes_of(tracked) for tracked in entities]

    def entry(self, tracked: Tracked, bits: int) -> bytes:
        """Return an entity's entry in a run of these records."""
        network_id = self.names.bytes_of(tracked)
        return b"".join([network_id, *[self._packed(tracked, i) for i in tracked.packed if bits >> i & 1]])

    def full(self, tracked: Tracked, bits: int, tick: Tick) -> bytes:
        """Return an entity's full of these records; encoded once a tick for all who are told the same."""
        if tracked.standing.viewers is None and not tracked.naming:
            return tracked.full(bits, tick)
        ids = [i for i in tracked.packed if bits >> i & 1]
        return encode_full(self.names.bytes_of(tracked), encode_records(ids), [self._packed(tracked, i) for i in ids])

    def _packed(self, tracked: Tracked, record_id: int) -> bytes:
        """Return a record's bytes; whom it names by this client's names, and nobody it does not see."""
        values = tracked.referring.get(record_id)
        if values is None:
            return tracked.packed[record_id]
        codec = tracked.kind.codecs[record_id]
        return codec.pack_values(*codec.map_refs(values, self._named))

    def _named(self, entity: int) -> int:
        return self.names.of(entity) if entity and self.knows(entity) else 0

    # What happens to messages.

    def note_sent(self, messages: Sequence[tuple[bytes, Sent]]) -> list[tuple[bytes, int]]:
        """Remember messages and return them with their tokens."""
        sent_by_token, token = self.sent, self._next_token
        noted = []
        for message, sent in messages:
            sent_by_token[token] = sent
            noted.append((message, token))
            token += 1
        self._next_token = token
        return noted

    def acked(self, token: int) -> None:
        """Note that a message arrived."""
        sent = self.sent.pop(token, None)
        if sent is None:
            return
        if sent.has_own and not self.steering.is_idle:
            self.steering.arrived(sent.tick)
        for network_id, tracked in sent.fulls:
            if tracked.is_steered_by(self.client_id) and self.known.get(network_id) == sent.tick:
                self.steering.fulls[network_id] = sent.tick
        if self.joining:
            self.joining.difference_update([network_id for network_id, _ in sent.fulls])

    def lost(self, token: int, now: Tick) -> None:
        """Mark what a lost message carried and nothing since has told again.

        Args:
            now: The tick of the last frame.
        """
        sent = self.sent.pop(token, None)
        if sent is None:
            return  # forgotten as too old, so marked already
        for network_id, is_end in sent.gones:
            if network_id in self.needs_full:
                self.known.setdefault(network_id, sent.tick)  # it may still have what it was to lose
            elif network_id not in self.known:
                self.needs_gone[network_id] = (sent.tick, is_end)
        for network_id, tracked in sent.fulls:
            if self.known.get(network_id) == sent.tick:  # no later full is on its way
                self.show(tracked)
        for chunk in sent.chunks:
            for tracked, bits in chunk.still_lacking(now):
                self.mark(tracked, bits, sent.tick)
        for tracked, bits in sent.repairs:
            self.mark(tracked, tracked.unchanged_since(bits, sent.tick), sent.tick)
