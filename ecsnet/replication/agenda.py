"""What one client is told this tick, in order of importance, as far as its budget reaches.

Its own entities, ends, what it missed, entities it lacks, and then the frame. What does not fit is no special case: a
chunk left out counts as lost, an entity left out still waits. So a late join into a crowded world is spread over as
many ticks as it takes, and a link that is too thin gets everything in turn.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from ecsnet.replication.assembly import Assembly
from ecsnet.replication.chunks import Chunk, records_of
from ecsnet.replication.frames import HEADER_BYTES, encode_steers
from ecsnet.replication.kinds import Row, Tracked
from ecsnet.replication.subscriber import Subscriber
from ecsnet.wire import Tick

__all__ = ["fill"]


def fill(
    assembly: Assembly, subscriber: Subscriber, chunks: Sequence[Chunk], steered: Mapping[int, Tracked], tick: Tick
) -> None:
    """Add all there is to say to a client, until the budget is used up.

    With room for the frame, what it carries need not be repaired, and its bytes are kept for it. Without, repairs come
    first, oldest first: so everything gets its turn, whatever moves and however little fits. In either case entities
    it lacks are not crowded out by repairs, nor the frame by them.

    Args:
        chunks: The frame's, for the audiences the client belongs to.
        steered: What the client's inputs drive, by entity.
    """
    told = _add_steered(assembly, subscriber, steered.values(), tick)
    _add_gones(assembly, subscriber)
    frame_bytes = sum([len(chunk.data) + HEADER_BYTES for chunk in chunks])
    longest = max([len(chunk.data) for chunk in chunks], default=0)
    is_roomy = 2 * frame_bytes <= assembly.left_bytes and HEADER_BYTES + longest <= assembly.max_message_bytes
    keep_bytes = frame_bytes if is_roomy else 0
    keep_for_fulls = assembly.left_bytes // 4 if subscriber.needs_full else 0
    carried = _carried(chunks) if subscriber.dirty else {}
    repaired = _add_repairs(assembly, subscriber, carried, is_roomy=is_roomy, keep_bytes=keep_bytes + keep_for_fulls)
    _add_fulls(assembly, subscriber, steered, tick, keep_bytes=keep_bytes if is_roomy else assembly.left_bytes // 2)
    for tracked, bits in told.items():
        repaired[tracked] = repaired.get(tracked, 0) | bits
    _add_chunks(assembly, subscriber, chunks, repaired)


def _add_steered(
    assembly: Assembly, subscriber: Subscriber, steered: Collection[Tracked], tick: Tick
) -> dict[Tracked, int]:
    """Send how the client's own entities stand, and return what was sent.

    Those it does not see, lacks or gets whole by other means are not among them yet.
    """
    steering = subscriber.steering
    if steering.is_idle and not steered:
        return {}
    present = subscriber.present(steered)
    for network_id, tracked in present.items():
        again = subscriber.dirty.get(tracked, 0) & tracked.kind.ref_bits & tracked.kind.steered_bits
        if again:  # whom it names is for this client another than it was, and no tick of a change says so
            steering.tell_again(network_id, again, tick)
    is_named, rows = steering.plan(present, subscriber.known, None, tick)  # not every chunk is in the same message
    entries = [(records_of(bits), subscriber.entry(tracked, bits)) for tracked, bits in rows]
    steers = encode_steers(subscriber.names_of(present.values())) if is_named else b""
    if not assembly.begin_steered(steers, entries):
        steering.forgo()
        assembly.begin_steered(encode_steers(()), ())
        rows = [(tracked, tracked.kind.steered_bits) for tracked in present.values()]
        entries = [(records_of(bits), subscriber.entry(tracked, bits)) for tracked, bits in rows]
    told = {}
    for (tracked, bits), (records, entry) in zip(rows, entries, strict=True):
        if assembly.add_steered(records, entry):
            subscriber.settle(tracked, bits)
            told[tracked] = bits
        else:
            assembly.refuse(tracked, len(entry))
    return told


def _add_gones(assembly: Assembly, subscriber: Subscriber) -> None:
    for network_id, (_, is_end) in list(subscriber.needs_gone.items()):
        if not assembly.add_gone(network_id, is_end=is_end):
            return
        del subscriber.needs_gone[network_id]


def _carried(chunks: Iterable[Chunk]) -> dict[Tracked, int]:
    """Return which records of which entities the chunks carry."""
    carried: dict[Tracked, int] = {}
    for chunk in chunks:
        for tracked, bits in chunk.rows():
            carried[tracked] = carried.get(tracked, 0) | bits
    return carried


def _add_repairs(
    assembly: Assembly, subscriber: Subscriber, carried: dict[Tracked, int], *, is_roomy: bool, keep_bytes: int
) -> dict[Tracked, int]:
    """Send what the client missed, from current values, oldest first; return what was sent.

    Args:
        carried: Records in this tick's frame. With room for it they are left to it. Without, they go along with the
            others of their entity: what changed together arrives together.
    """
    repaired: dict[Tracked, int] = {}
    families: dict[int, list[Tracked]] | None = None
    subscriber.repairs_turn = not subscriber.repairs_turn
    assembly.may_overdraw = _may_overdraw(assembly, subscriber) and (
        subscriber.repairs_turn or not subscriber.needs_full
    )
    for tracked in list(subscriber.dirty):
        if tracked not in subscriber.dirty:
            continue  # went with its family
        together = [tracked]
        if tracked.standing.family:
            families = _families([*subscriber.dirty, *carried]) if families is None else families
            together = families[tracked.standing.family]
        rows = _missed(subscriber, together, carried, is_roomy=is_roomy)
        if not rows:
            continue
        if assembly.left_bytes <= keep_bytes or not _add_rows(assembly, subscriber, rows):
            break
        repaired.update(rows)
    return repaired


def _missed(
    subscriber: Subscriber, together: Iterable[Tracked], carried: Mapping[Tracked, int], *, is_roomy: bool
) -> list[Row]:
    """Return what of these entities the client is to be told beside the frame."""
    rows = []
    for tracked in together:
        visible = tracked.visible_to(subscriber)
        subscriber.settle(tracked, ~visible)
        in_frame = carried.get(tracked, 0)
        bits = subscriber.dirty.get(tracked, 0)
        bits = bits & ~in_frame if is_roomy else bits | in_frame
        if bits:
            rows.append((tracked, bits))
    return rows


def _add_rows(assembly: Assembly, subscriber: Subscriber, rows: Sequence[Row]) -> bool:
    """Send rows in one message, or one by one where they are too many for that; False if there is no room left."""
    repairs = [(tracked, bits, records_of(bits), subscriber.entry(tracked, bits)) for tracked, bits in rows]
    size = sum([len(entry) for *_, entry in repairs])
    if assembly.add_repairs(repairs):
        pass
    elif len(rows) == 1 and assembly.may_overdraw and assembly.add_repairs(repairs, is_free=True):
        _overdraw(assembly, subscriber, size)
    else:
        if len(rows) > 1 and size > assembly.together_bytes:
            return all(_add_rows(assembly, subscriber, [row]) for row in rows)
        return len(rows) == 1 and assembly.refuse(rows[0][0], size)  # else it would keep back all behind it
    assembly.may_overdraw = False
    for tracked, bits in rows:
        subscriber.settle(tracked, bits)
    return True


def _may_overdraw(assembly: Assembly, subscriber: Subscriber) -> bool:
    """Tell whether what is first in a queue may be more than is left.

    However thin a link is, what waits for it gets its turn, and what was spent too much is saved afterwards.
    """
    return not subscriber.overdrawn and assembly.left_bytes > 0


def _overdraw(assembly: Assembly, subscriber: Subscriber, size: int) -> None:
    subscriber.overdrawn = max(0, size - assembly.left_bytes)
    assembly.left_bytes -= size


def _add_fulls(
    assembly: Assembly, subscriber: Subscriber, first: Iterable[int], tick: Tick, *, keep_bytes: int
) -> None:
    """Send entities whole, those the client steers first, until the budget is down to what is kept for others.

    An entity goes together with its parts, unless they are more than a message, or half of the budget, holds.
    """
    needs_full = subscriber.needs_full
    assembly.may_overdraw = _may_overdraw(assembly, subscriber) and not (subscriber.dirty and subscriber.repairs_turn)
    ahead = [network_id for network_id in map(subscriber.names.of, first) if network_id in needs_full]
    families: dict[int, list[Tracked]] | None = None
    for network_id in [*ahead, *needs_full]:
        if network_id not in needs_full:
            continue  # went ahead, or with its family
        family = needs_full[network_id].standing.family
        together = [network_id]
        if family:
            families = _families(needs_full.values()) if families is None else families
            together = [i for i in [subscriber.names.of(each.id) for each in families[family]] if i in needs_full]
        if not _add_together(assembly, subscriber, together, tick, keep_bytes):
            return


def _add_together(
    assembly: Assembly, subscriber: Subscriber, network_ids: Sequence[int], tick: Tick, keep_bytes: int
) -> bool:
    """Send some entities whole; False if there is no room left."""
    fulls = [_full(subscriber, network_id, tick) for network_id in network_ids]
    size = sum([len(full) for _, _, full in fulls])
    if len(fulls) > 1 and size > assembly.together_bytes:
        return all(_add_together(assembly, subscriber, [each], tick, keep_bytes) for each in network_ids)
    if assembly.refuse(fulls[0][1], size):
        return True  # it waits, for a shorter text perhaps, and keeps back nobody
    if size <= assembly.left_bytes - keep_bytes and assembly.add_fulls(fulls):
        pass
    elif assembly.may_overdraw and assembly.add_fulls(fulls, is_free=True):
        _overdraw(assembly, subscriber, size)
    else:
        return False
    assembly.may_overdraw = False
    for network_id in network_ids:
        subscriber.known[network_id] = tick
        del subscriber.needs_full[network_id]
    return True


def _full(subscriber: Subscriber, network_id: int, tick: Tick) -> tuple[int, Tracked, bytes]:
    tracked = subscriber.needs_full[network_id]
    return network_id, tracked, subscriber.full(tracked, tracked.visible_to(subscriber), tick)


def _families(entities: Iterable[Tracked]) -> dict[int, list[Tracked]]:
    """Return those that belong together, each once, by their topmost parent."""
    found: dict[int, list[Tracked]] = {}
    for tracked in dict.fromkeys(entities):
        if tracked.standing.family:
            found.setdefault(tracked.standing.family, []).append(tracked)
    return found


def _add_chunks(
    assembly: Assembly, subscriber: Subscriber, chunks: Iterable[Chunk], repaired: dict[Tracked, int]
) -> None:
    """Send the frame, as far as it fits; the rest counts as lost, but for what was just repaired."""
    for chunk in chunks:
        if assembly.add_chunk(chunk):
            for tracked, bits in chunk.rows() if subscriber.dirty else ():
                subscriber.settle(tracked, bits)
        elif chunk.parts:
            _add_chunks(assembly, subscriber, chunk.parts, repaired)
        else:
            for tracked, bits in chunk.rows():
                subscriber.mark(tracked, bits & ~repaired.get(tracked, 0), chunk.tick)
