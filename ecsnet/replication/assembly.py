"""One client's messages of one send tick, filled item by item within a budget and cut where a datagram is full."""

from collections.abc import Iterable, Sequence

from ecsnet.errors import SchemaError
from ecsnet.replication.chunks import Chunk
from ecsnet.replication.frames import HEADER_BYTES, OwnPart, encode_run, encode_state
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.replication.subscriber import Sent
from ecsnet.wire import Tick, pack_varint

__all__ = ["SPARE_BYTES", "Assembly"]

RUN_COUNT_BYTES = 2  # set aside for the count of a run
SPARE_BYTES = 64  # for the headers around a single item, with room for a list of records


class Assembly:
    """Takes what there is to say in order of importance; each `add_...` tells whether it still had room.

    The first message alone has the own part. Every message is complete in itself, so their order does not matter.

    Attributes:
        left_bytes: What is left of the budget.
        may_overdraw: Whether the next entity may be more than is left.
        fault: The first entity that no message can hold; the others go on.
        together_bytes: Most that may be asked to go in one message: a part of the budget, as others want some, too.
    """

    def __init__(self, tick: Tick, own: OwnPart, *, joining: int, budget_bytes: int, max_message_bytes: int) -> None:
        """Start with one message; it is sent even if nothing is added.

        Args:
            joining: Entities that have to arrive before the client is synced.
            budget_bytes: All messages together are to stay below this; the first one's header counts.
        """
        self._tick = tick
        self._own: OwnPart | None = own
        self._steers = b""
        self._joining = joining
        self.left_bytes = budget_bytes
        self.max_message_bytes = max_message_bytes
        self.may_overdraw = False
        self.fault: SchemaError | None = None
        self.together_bytes = min(max_message_bytes - SPARE_BYTES, budget_bytes // 2 - SPARE_BYTES)
        self._messages: list[tuple[bytes, Sent]] = []
        self._begin()

    def add_gone(self, network_id: int, *, is_end: bool) -> bool:
        """Say that an entity was deleted (`is_end`), or is not seen any more."""
        packed = pack_varint(network_id)
        if not self._claim(len(packed)):
            return False
        (self._gones if is_end else self._leaves).append(packed)
        self._sent_gones.append((network_id, is_end))
        return True

    def add_fulls(self, fulls: Sequence[tuple[int, Tracked, bytes]], *, is_free: bool = False) -> bool:
        """Say everything the client may see of some entities, in one message.

        Args:
            fulls: Of each its network id and its full.
            is_free: Whatever is left of the budget, which the caller settles.
        """
        if not self._claim(sum([len(full) for _, _, full in fulls]), is_free=is_free):
            return False
        self._fulls += [full for _, _, full in fulls]
        self._sent_fulls += [(network_id, tracked) for network_id, tracked, _ in fulls]
        return True

    def begin_steered(self, steers: bytes, entries: Iterable[tuple[bytes, bytes]]) -> bool:
        """Begin with what the client steers; False, and nothing is done, if that does not fit the first message.

        Args:
            steers: From `encode_steers`, if the message is to name them.
            entries: What `add_steered` will be called with.
        """
        size = len(steers) + sum([len(records) + RUN_COUNT_BYTES + len(entry) for records, entry in entries])
        if self._size + size > self.max_message_bytes:
            return False
        self._size += len(steers)
        self._steers = steers
        return True

    def add_steered(self, records: bytes, entry: bytes) -> bool:
        """Say how an entity stands that this client steers; False if no message holds it.

        Outside of the budget, as prediction needs it, or it would leave nothing for the rest; and never repaired, as
        it is said with every send until it has arrived.
        """
        if not self._claim(len(entry), records, is_free=True):
            return False
        self._runs.setdefault(records, []).append(entry)
        return True

    def refuse(self, tracked: Tracked, size: int) -> bool:
        """Tell whether an entity is larger than a message, which is noted as a fault if there is none yet."""
        is_refused = size + SPARE_BYTES > self.max_message_bytes
        if is_refused and self.fault is None:
            names = ", ".join(record.name for record in tracked.kind.records)
            self.fault = SchemaError(
                f"entity {tracked.id}: {names} take {size} B together, more than one datagram holds "
                f"({self.max_message_bytes} B less {SPARE_BYTES} B for headers); shorten a str or bytes, or give parts "
                "to an entity of their own"
            )
        return is_refused

    def add_repairs(self, repairs: Sequence[tuple[Tracked, int, bytes, bytes]], *, is_free: bool = False) -> bool:
        """Say again what the client missed, in one message.

        Args:
            repairs: Of each entity the records as bits and as a run begins with them, and its entry.
            is_free: As in `add_fulls`; of one alone.
        """
        if len(repairs) == 1:
            [(_, _, records, entry)] = repairs
            has_room = self._claim(len(entry), records, is_free=is_free)
        else:
            has_room = self._claim(sum([len(entry) + len(records) + RUN_COUNT_BYTES for *_, records, entry in repairs]))
        if not has_room:
            return False
        for tracked, bits, records, entry in repairs:
            self._runs.setdefault(records, []).append(entry)
            self._sent_repairs.append((tracked, bits))
        return True

    def add_chunk(self, chunk: Chunk) -> bool:
        """Add a shared chunk, bytes as they are."""
        if not self._claim(len(chunk.data)):
            return False
        self._chunks.append(chunk.data)
        self._sent_chunks.append(chunk)
        return True

    def finish(self) -> list[tuple[bytes, Sent]]:
        """Return the messages and what each carries."""
        self._end()
        return self._messages

    def _begin(self) -> None:
        self._size = HEADER_BYTES
        self.left_bytes -= HEADER_BYTES
        self._gones: list[bytes] = []
        self._leaves: list[bytes] = []
        self._fulls: list[bytes] = []
        self._runs: dict[bytes, list[bytes]] = {}
        self._chunks: list[bytes] = []
        self._sent_chunks: list[Chunk] = []
        self._sent_repairs: list[Row] = []
        self._sent_fulls: list[tuple[int, Tracked]] = []
        self._sent_gones: list[tuple[int, bool]] = []

    def _end(self) -> None:
        runs = [encode_run(records, entries) for records, entries in self._runs.items()]
        message = encode_state(
            self._tick, self._own, steers=self._steers, synced=not self._joining, joining=self._joining,
            gones=self._gones, leaves=self._leaves, fulls=self._fulls, runs=runs + self._chunks,
        )  # fmt: skip
        assert len(message) <= self.max_message_bytes
        sent = Sent(
            self._tick, self._sent_chunks, self._sent_repairs, self._sent_fulls, self._sent_gones,
            has_own=self._own is not None,
        )  # fmt: skip
        self._messages.append((message, sent))
        self._own, self._steers = None, b""

    def _claim(self, size: int, records: bytes = b"", *, is_free: bool = False) -> bool:
        """Make room for an item, in a new message if need be; False if the budget or a message cannot hold it.

        Args:
            records: What its run begins with, if it goes into one: paid for by the first of a run.
        """
        run_bytes = len(records) + RUN_COUNT_BYTES if records else 0
        here = size if records in self._runs else size + run_bytes
        opens = self._size + here > self.max_message_bytes
        needed = HEADER_BYTES + size + run_bytes if opens else here
        if (needed > self.left_bytes and not is_free) or (opens and needed > self.max_message_bytes):
            return False
        if opens:
            self._end()
            self._begin()
        taken = size + run_bytes if opens else here
        self._size += taken
        if not is_free:
            self.left_bytes -= taken
        return True
