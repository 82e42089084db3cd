"""What a frame tells: changes grouped by audience and cut into chunks, encoded once for all who get them.

What cannot be shared is marked for each client it is for, and goes the way of repairs: an owner's own records, entities
whose viewers are named, and values that name entities which not all of the audience see.
"""

from collections.abc import Iterable
from typing import TypeAlias

from ecsnet.replication.audiences import Audience
from ecsnet.replication.checks import Entry
from ecsnet.replication.chunks import Bundle, Chunk, cut, cut_bundles, make_up
from ecsnet.replication.detect import Frame
from ecsnet.replication.frames import encode_checks
from ecsnet.replication.interest import Interest
from ecsnet.replication.kinds import Tracked
from ecsnet.wire import Tick

__all__ = ["add_checks", "broadcast"]

Groups: TypeAlias = dict[Audience, dict[int, list[Tracked]]]


def broadcast(frame: Frame, interest: Interest, chunk_bytes: int) -> None:
    """Give every audience its chunks of a frame, and mark for each client what is for it alone.

    HOT: once per changed entity per send tick; tests/bench/bench_state.py.
    """
    groups: Groups = {}
    families: dict[int, Bundle] = {}
    for tracked, bits in frame.changed.items():
        kind, (audience, team, _, _, keeper, owner, _, family) = tracked.kind, tracked.standing
        if family:
            families.setdefault(family, []).append((tracked, bits))
            continue
        if audience is None or (tracked.naming and _is_personal(tracked, bits, interest)):
            _mark_for_each(tracked, bits, interest, frame.tick)
            continue
        public = bits & kind.public_bits
        if public:
            of_audience = groups.get(audience)
            if of_audience is None:
                groups[audience] = {public: [tracked]}
            elif public in of_audience:
                of_audience[public].append(tracked)
            else:
                of_audience[public] = [tracked]
        is_told_apart = kind.is_steered and owner == keeper  # the owner gets it with every send
        if team is not None or ((keeper or owner) and not is_told_apart):
            _tell_the_few(tracked, bits, groups, interest, frame.tick)
    tick, bundles = frame.tick, _bundle(families.values(), groups, interest, frame.tick)
    for audience, group in groups.items():
        audience.told_at, audience.chunk = tick, make_up(cut(group, tick, chunk_bytes), tick)
    for audience, found in bundles.items():
        _tell_also(audience, tick, cut_bundles(found, tick, chunk_bytes))


def add_checks(entries: Iterable[Entry], tick: Tick) -> None:
    """Say to those who see some entities what these should be; it is never said again if it is lost."""
    by_audience: dict[Audience, list[tuple[bytes, bytes, int]]] = {}
    for tracked, network_id, records, check in entries:
        assert tracked.standing.public is not None
        by_audience.setdefault(tracked.standing.public, []).append((network_id, records, check))
    for audience, checks in by_audience.items():
        _tell_also(audience, tick, [Chunk(tick, encode_checks(checks))])


def _tell_also(audience: Audience, tick: Tick, chunks: list[Chunk]) -> None:
    if audience.told_at == tick:
        chunks = [*(audience.chunk.parts or [audience.chunk]), *chunks]
    if chunks:
        audience.told_at, audience.chunk = tick, make_up(chunks, tick)


def _bundle(families: Iterable[Bundle], groups: Groups, interest: Interest, tick: Tick) -> dict[Audience, list[Bundle]]:
    """Keep together what changed of entities and their parts: all of it shared, or none."""
    bundles: dict[Audience, list[Bundle]] = {}
    for family in families:
        if any(_is_personal(tracked, bits, interest) for tracked, bits in family):
            for tracked, bits in family:
                _mark_for_each(tracked, bits, interest, tick)
            continue
        for tracked, bits in family:
            _tell_the_few(tracked, bits, groups, interest, tick)
        audience = family[0][0].standing.public
        assert audience is not None
        public = [(tracked, bits & tracked.kind.public_bits) for tracked, bits in family]
        bundles.setdefault(audience, []).append([row for row in public if row[1]])
    return bundles


def _is_personal(tracked: Tracked, bits: int, interest: Interest) -> bool:
    """Tell whether each client must be told in its own terms."""
    if tracked.standing.public is None:
        return True
    return bool(tracked.naming and bits & tracked.kind.ref_bits) and interest.names_somebody_hidden(tracked)


def _mark_for_each(tracked: Tracked, bits: int, interest: Interest, tick: Tick) -> None:
    for subscriber in interest.who_sees(tracked.standing).values():
        subscriber.mark(tracked, bits & tracked.visible_to(subscriber), tick)


def _tell_the_few(tracked: Tracked, bits: int, groups: Groups, interest: Interest, tick: Tick) -> None:
    """Tell what is for the team; mark what those who see an entity as its owner are not told by its audiences."""
    standing, kind = tracked.standing, tracked.kind
    team = bits & kind.team_bits
    if team and standing.team is not None:
        groups.setdefault(standing.team, {}).setdefault(team, []).append(tracked)
    for client_id in {standing.owner: None, standing.keeper: None}:
        subscriber = interest.subscribers.get(client_id)
        if subscriber is None or (kind.is_steered and client_id == standing.owner == standing.keeper):
            continue  # who steers an entity gets it whole with every send
        shared = 0
        if standing.public is not None and subscriber.view in standing.public.views:
            shared |= kind.public_bits
        if standing.team is not None and subscriber.view in standing.team.views:
            shared |= kind.team_bits
        subscriber.mark(tracked, bits & tracked.visible_to(subscriber) & ~shared, tick)
