"""Why a client has an entity, or has it not: one sentence for whoever wonders."""

from ecsnet.replication.audiences import AudienceKey
from ecsnet.replication.kinds import Standing, Tracked
from ecsnet.replication.subscriber import Subscriber

__all__ = ["explain"]


def explain(subscriber: Subscriber, tracked: Tracked) -> str:
    """Say how an entity that travels stands with a client."""
    name, network_id = f"entity {tracked.id}", subscriber.names.of(tracked.id)
    bits = tracked.visible_to(subscriber)
    if not bits:
        return f"{name} is hidden from client {subscriber.client_id}: {_hidden(subscriber, tracked)}"
    reason = _seen(subscriber, tracked)
    if network_id in subscriber.needs_full:
        place = list(subscriber.needs_full).index(network_id) + 1
        return f"{name} is seen {reason}, and waits to be sent, {place} of {len(subscriber.needs_full)} in the queue"
    missed = subscriber.dirty.get(tracked, 0)
    names = [record.name for record in tracked.kind.records if missed & record.bit]
    lacks = f"; changes of {', '.join(names)} were lost and wait to be repaired" if names else ""
    paused = "; it is Paused, nothing of it is sent any more" if tracked.kind.is_paused else ""
    return f"{name} is seen {reason}, and was last sent whole at tick {subscriber.known[network_id]}{lacks}{paused}"


def _seen(subscriber: Subscriber, tracked: Tracked) -> str:
    standing = tracked.standing
    if standing.keeper == subscriber.client_id:
        return "by its owner"
    if standing.viewers is not None:
        return "as VisibleTo names the client"
    return f"by {_circle(standing)}"


def _circle(standing: Standing) -> str:
    key = _key(standing)
    rules = [f"clients in one of the rooms {', '.join(sorted(key.rooms))}"] if key.rooms is not None else []
    rules += ["clients whose Viewer reaches it"] if key.cell is not None else []
    return " and ".join(rules) or "everybody"


def _key(standing: Standing) -> AudienceKey:
    key = standing.bounds if standing.public is None else standing.public.key
    assert key is not None
    return key


def _hidden(subscriber: Subscriber, tracked: Tracked) -> str:
    standing, view = tracked.standing, subscriber.view
    part = f"as a part of entity {standing.family}, " if standing.family not in (0, tracked.id) else ""
    if not tracked.kind.public_bits:
        return f"{part}it has only records for its owner, client {standing.owner}, or its team"
    if standing.viewers is not None and subscriber.client_id not in standing.viewers:
        return f"{part}VisibleTo names {sorted(standing.viewers) or 'nobody'}"
    key = _key(standing)
    stands = [f"is in {', '.join(sorted(view.key.rooms)) or 'no room'}"] if key.rooms is not None else []
    if key.cell is not None:
        stands.append("has a Viewer too far away" if view.key.spots else "has no Viewer")
    return f"{part}it is seen by {_circle(standing)}; the client {' and '.join(stands)}"
