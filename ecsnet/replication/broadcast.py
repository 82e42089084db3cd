"""What a frame tells: changes grouped by audience and cut into chunks, encoded once for all who get them.

What cannot be shared is marked for each client it is for, and goes the way of repairs: an owner's own records, entities
whose viewers are named, and values that name entities which not all of the audience see.
"""

from collections.abc import Mapping
from typing import TypeAlias

from ecsnet.replication.audiences import Audience
from ecsnet.replication.chunks import Bundle, cut, cut_bundles
from ecsnet.replication.detect import Frame
from ecsnet.replication.interest import Interest
from ecsnet.replication.kinds import Tracked
from ecsnet.wire import Tick

__all__ = ["broadcast"]

Groups: TypeAlias = dict[Audience, dict[int, list[Tracked]]]
Bundles: TypeAlias = dict[Audience, dict[int, Bundle]]  # by topmost parent


def broadcast(frame: Frame, interest: Interest, chunk_bytes: int) -> None:
    """Give every audience its chunks of a frame, and mark for each client what is for it alone.

    HOT: once per changed entity per send tick; tests/bench/bench_state.py.
    """
    groups: Groups = {}
    bundles: Bundles = {}
    private = _private_families(frame, interest) if interest.has_families else ()
    for tracked, bits in frame.changed.items():
        standing, kind = tracked.standing, tracked.kind
        if standing.public is None or standing.family in private or _names_hidden(tracked, bits, interest):
            _mark_for_each(tracked, bits, interest, frame.tick)
            continue
        public = bits & kind.public_bits
        if standing.family:
            bundles.setdefault(standing.public, {}).setdefault(standing.family, []).append((tracked, public))
        elif public:
            of_audience = groups.get(standing.public)
            if of_audience is None:
                groups[standing.public] = {public: [tracked]}
            elif public in of_audience:
                of_audience[public].append(tracked)
            else:
                of_audience[public] = [tracked]
        team = bits & kind.team_bits
        if team and standing.team is not None:
            groups.setdefault(standing.team, {}).setdefault(team, []).append(tracked)
        if standing.keeper or standing.owner:
            _mark_for_owners(tracked, bits, interest, frame.tick)
    _cut(groups, bundles, frame.tick, chunk_bytes)


def _private_families(frame: Frame, interest: Interest) -> set[int]:
    """Return the families of which something cannot be shared: so that they stay together nothing of them is."""
    return {
        tracked.standing.family
        for tracked, bits in frame.changed.items()
        if tracked.standing.family and _names_hidden(tracked, bits, interest)
    }


def _names_hidden(tracked: Tracked, bits: int, interest: Interest) -> bool:
    return bool(tracked.naming and bits & tracked.kind.ref_bits) and interest.names_somebody_hidden(tracked)


def _cut(groups: Groups, bundles: Bundles, tick: Tick, chunk_bytes: int) -> None:
    for audience in {**groups, **bundles}:
        audience.told_at = tick
        audience.chunks = list(cut(groups.get(audience, _NO_GROUPS), tick, chunk_bytes))
        if audience in bundles:
            audience.chunks += cut_bundles(bundles[audience].values(), tick, chunk_bytes)


def _mark_for_each(tracked: Tracked, bits: int, interest: Interest, tick: Tick) -> None:
    for subscriber in interest.who_sees(tracked.standing).values():
        subscriber.mark(tracked, bits & tracked.visible_to(subscriber), tick)


def _mark_for_owners(tracked: Tracked, bits: int, interest: Interest, tick: Tick) -> None:
    """Mark what those who see an entity because of its owner are not told by its audiences."""
    standing = tracked.standing
    for client_id in {standing.owner: None, standing.keeper: None}:
        subscriber = interest.subscribers.get(client_id)
        if subscriber is None or (tracked.kind.is_steered and client_id == standing.owner == standing.keeper):
            continue  # who steers an entity gets it whole with every send
        shared = 0
        if standing.public is not None and subscriber.view in standing.public.views:
            shared |= tracked.kind.public_bits
        if standing.team is not None and subscriber.view in standing.team.views:
            shared |= tracked.kind.team_bits
        subscriber.mark(tracked, bits & tracked.visible_to(subscriber) & ~shared, tick)


_NO_GROUPS: Mapping[int, list[Tracked]] = {}
