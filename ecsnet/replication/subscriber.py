"""What the server remembers of one client: what it may know, what it still needs, and what is on its way.

For every record of every entity a client sees, exactly one of these holds at any time:

- an unacknowledged message carries its present value (or the entity's full does),
- it is marked here (`dirty`, or the entity in `needs_full`),
- the client has it.

A report moves things from the first to the third or back to the second. A change moves them to the first by itself:
the frame that tells it goes to every client. That is why a lost update matters only if nothing newer was told since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ecsnet.replication.chunks import Chunk
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.replication.steering import Steering
from ecsnet.wire import Tick, is_newer

__all__ = ["Sent", "Subscriber"]


@dataclass(slots=True, eq=False)
class Sent:
    """What one message carried, until it is known to have arrived or to be lost."""

    tick: Tick
    chunks: list[Chunk] = field(default_factory=list)
    repairs: list[Row] = field(default_factory=list)
    fulls: list[Tracked] = field(default_factory=list)
    gones: list[int] = field(default_factory=list)
    has_own: bool = False  # whether it began with an own part


class Subscriber:
    """The server's memory of one client. All tables are ordered oldest first and hold entities.

    Attributes:
        known: Entities a full was ever sent of, with the tick of the last one: the client may have them.
        needs_full: Entities it has nothing of, or not the present records.
        needs_gone: Entities it may have and must not keep, with their tick from `known`.
        dirty: Records whose last change it missed, as bits.
        sent: Unacknowledged messages by token, oldest first, bounded.
        joining: Entities it must have before it is called synced; None before its first message.
        steering: What it knows of the entities it steers.
    """

    __slots__ = ("_next_token", "client_id", "dirty", "joining", "known", "needs_full", "needs_gone", "sent",
                 "steering")  # fmt: skip

    def __init__(self, client_id: int) -> None:
        """Begin with a client that knows nothing."""
        self.client_id = client_id
        self.known: dict[int, Tick] = {}
        self.needs_full: dict[int, Tracked] = {}
        self.needs_gone: dict[int, Tick] = {}
        self.dirty: dict[Tracked, int] = {}
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

    @property
    def is_synced(self) -> bool:
        """Whether all that this client could see when it joined has arrived."""
        return self.joining is not None and not self.joining

    # What happens to entities.

    def show(self, tracked: Tracked) -> None:
        """Send an entity anew: it appeared, or the client shall see other records of it."""
        self.needs_full[tracked.id] = tracked
        told_at = self.needs_gone.pop(tracked.id, None)
        if told_at is not None:
            self.known[tracked.id] = told_at  # not told that it went: should it go again, it must be
        self.dirty.pop(tracked, None)

    def hide(self, tracked: Tracked) -> None:
        """Take an entity away: it is gone, or nothing of it is for this client any more."""
        self.needs_full.pop(tracked.id, None)
        self.dirty.pop(tracked, None)
        if self.joining:
            self.joining.discard(tracked.id)
        told_at = self.known.pop(tracked.id, None)
        if told_at is not None:
            self.needs_gone[tracked.id] = told_at  # one that was never sent needs no word

    def mark(self, tracked: Tracked, bits: int, tick: Tick) -> None:
        """Note that this client missed records as they were at `tick`, unless a full tells, or told, it all."""
        told_at = self.known.get(tracked.id)
        if bits and told_at is not None and tracked.id not in self.needs_full and is_newer(tick, told_at):
            self.dirty[tracked] = self.dirty.get(tracked, 0) | bits

    def settle(self, tracked: Tracked, bits: int) -> None:
        """Note that records are on their way again."""
        missed = self.dirty.get(tracked, 0)
        if missed & ~bits:
            self.dirty[tracked] = missed & ~bits
        elif missed:
            del self.dirty[tracked]

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
        for tracked in sent.fulls:
            if tracked.is_steered_by(self.client_id):
                self.steering.fulls[tracked.id] = sent.tick
        if self.joining:
            self.joining.difference_update([tracked.id for tracked in sent.fulls])

    def lost(self, token: int, now: Tick) -> None:
        """Mark what a lost message carried and nothing since has told again.

        Args:
            now: The tick of the last frame.
        """
        sent = self.sent.pop(token, None)
        if sent is None:
            return  # forgotten as too old, so marked already
        for entity in sent.gones:
            if entity in self.needs_full:
                self.known.setdefault(entity, sent.tick)  # it may still have what it was to lose
            elif entity not in self.known:
                self.needs_gone[entity] = sent.tick
        for tracked in sent.fulls:
            if self.known.get(tracked.id) == sent.tick:  # no later full is on its way
                self.show(tracked)
        for chunk in sent.chunks:
            for tracked, bits in chunk.still_lacking(now):
                self.mark(tracked, bits, sent.tick)
        for tracked, bits in sent.repairs:
            self.mark(tracked, tracked.unchanged_since(bits, sent.tick), sent.tick)
