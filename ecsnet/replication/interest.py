"""Who may see what: reads the rules entities carry and keeps every client's knowledge to what they allow.

The rules are components (see rules.py). From them each entity has a `Standing`, and each client a view; whether one
sees the other follows from these two and from nothing else (`Tracked.visible_to`). Where one of them changes, only
those are looked at whom the change concerns.
"""

from collections.abc import Iterable, Mapping

from ecsnet.components.near import Near
from ecsnet.components.owner import Owner
from ecsnet.components.parent import Parent
from ecsnet.components.rooms import Rooms
from ecsnet.components.transform2d import Transform2D
from ecsnet.components.visible_to import VisibleTo
from ecsnet.fields import EVERYONE
from ecsnet.replication.audiences import EVERYONE_KEY, Audience, AudienceKey, Audiences, View
from ecsnet.replication.detect import Frame
from ecsnet.replication.families import Families
from ecsnet.replication.grid import NOWHERE, Cell, Move, Places
from ecsnet.replication.kinds import Standing, Tracked
from ecsnet.replication.rules import Rules
from ecsnet.replication.schema import Schema
from ecsnet.replication.standpoints import Standpoints
from ecsnet.replication.subscriber import Subscriber
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Interest"]


class Interest:
    """Decides for each client what it sees, and tells its subscriber what came and went.

    Attributes:
        subscribers: By client.
        standpoints: Where clients look from.
    """

    def __init__(self, schema: Schema, world: World, entities: Mapping[int, Tracked], *, cell_units: float) -> None:
        """Follow `world` from the next `follow` on.

        Args:
            entities: All that travel, by entity; kept by the detector.
            cell_units: Side of a cell of the grid, world units.
        """
        self.subscribers: dict[int, Subscriber] = {}
        self._world = world
        self._entities = entities
        self._records_of = schema.records_of
        self._place_bit = schema.records_of[Transform2D][0].bit
        self._rules = Rules()
        self.standpoints = Standpoints(world, entities, self._rules, cell_units)
        self._audiences = Audiences()
        self._places = Places(cell_units)  # of entities with Near
        self._families = Families(world, self._rules.parent)
        self._special: dict[Tracked, None] = {}  # who has an owner or VisibleTo: seen by more than an audience
        self._listed: dict[Tracked, None] = {}  # of these, who has VisibleTo
        self._holders: dict[int, dict[Tracked, None]] = {}  # entity -> those whose values name it
        self._tick: Tick = world.tick

    def __repr__(self) -> str:
        """Show how much there is to decide on."""
        return f"Interest({self._audiences!r}, {len(self.subscribers)} clients)"

    def subscribe(self, client_id: int) -> None:
        """Begin with a client that knows nothing yet."""
        subscriber = self.subscribers[client_id] = Subscriber(client_id)
        subscriber.view = self._audiences.join(subscriber, self.standpoints.view_key(client_id))
        members = [tracked for audience in subscriber.view.audiences for tracked in audience.members]
        for tracked in dict.fromkeys((*members, *self._special)):
            if tracked.visible_to(subscriber):
                subscriber.show(tracked)

    def unsubscribe(self, client_id: int) -> None:
        """Forget a client."""
        subscriber = self.subscribers.pop(client_id, None)
        if subscriber is not None:
            self._audiences.part(subscriber, subscriber.view)

    def look(self) -> None:
        """Read the rules, before what follows from them; nothing is lost by an error.

        Raises:
            SchemaError: A rule says what cannot be; the text names entity, component, field and remedy.
        """
        self._rules.look(self._world)
        self._families.check()

    def follow(self, frame: Frame) -> None:
        """Bring everybody's knowledge up to a frame: what came, went, moved or changed its rules."""
        self._tick = frame.tick
        rules = self._rules
        self._families.follow()
        affected = dict.fromkeys(frame.touched)
        for rule in (rules.rooms, rules.visible_to, rules.team, rules.seat, rules.parent):
            affected.update(dict.fromkeys(rule.changed))
        affected.update({tracked.id: None for tracked, _ in frame.given})
        moved = self._moved(frame)
        affected.update(dict.fromkeys(self._places.left_by(moved)))
        clients = self.standpoints.follow(moved, affected)
        if rules.team.changed or rules.seat.changed or rules.player.changed:  # what is for a team may be for another
            affected.update({tracked.id: None for tracked in self._special if tracked.owner in clients})
        for tracked in frame.deleted.values():
            self._remove(tracked)
        for entity in self._families.around(affected):
            if entity in self._entities:
                self._stand(self._entities[entity], is_anew=entity in frame.structured)
        for client_id in clients:
            if client_id in self.subscribers:
                self._look_from(self.subscribers[client_id])
        for tracked in frame.changed:
            if tracked.kind.ref_bits:
                self._follow_references(tracked)
        rules.clear()

    def who_sees(self, standing: Standing) -> dict[int, Subscriber]:
        """Return the clients that see an entity of a standing, and its owner."""
        found: dict[int, Subscriber] = {}
        if standing.public is not None:
            found = {client: each for view in standing.public.views for client, each in view.subscribers.items()}
        elif standing.viewers is not None:
            named = [self.subscribers[client] for client in sorted(standing.viewers) if client in self.subscribers]
            found = {subscriber.client_id: subscriber for subscriber in named if standing.names(subscriber)}
        if standing.keeper in self.subscribers:
            found[standing.keeper] = self.subscribers[standing.keeper]
        return found

    def will_see(self, client_id: int, entity: int) -> bool:
        """Tell whether a client is sure to see an entity that was not looked at yet; by its own number, if so."""
        world = self._world
        if not world.entity_exists(entity) or any(world.has_component(entity, cls) for cls in (VisibleTo, Parent)):
            return False
        owner = world.try_component(entity, Owner)
        if owner is not None and owner.client_id == client_id:
            return True
        if any(world.has_component(entity, cls) for cls in (Near, Rooms)):
            return False
        records = [
            each for cls, found in self._records_of.items() if world.has_component(entity, cls) for each in found
        ]
        return any(record.audience is EVERYONE for record in records)

    def names_somebody_hidden(self, tracked: Tracked) -> bool:
        """Tell whether an entity's values name another that not all clients see."""
        entities = self._entities
        return any(entity in entities and not _is_open(entities[entity]) for entity in tracked.named())

    def shared_bits(self, tracked: Tracked) -> int:
        """Return the records that all who see an entity have in the same bytes."""
        if tracked.standing.public is None:
            return 0
        bits, entities = tracked.kind.public_bits, self._entities
        is_same_for_all = all(entity in entities and _is_open(entities[entity]) for entity in tracked.named())
        return bits if is_same_for_all else bits & ~tracked.kind.ref_bits

    # Entities.

    def _stand(self, tracked: Tracked, *, is_anew: bool) -> None:
        """Find an entity's standing, and tell all whom a change of it concerns.

        Args:
            is_anew: It appeared, or gained or lost records: all who see it need it whole.
        """
        before, now = tracked.standing, self._standing(tracked)
        if is_anew:
            self._follow_references(tracked)
            for holder in {tracked: None, **self._holders.get(tracked.id, {})}:
                holder.repack(self._entities)  # it was encoded when this one was not there yet
        elif now == before:
            return
        self._enroll(tracked, now)
        if is_anew or now[2:] != before[2:]:  # in more than audiences
            self._restand(tracked, before, now, is_anew=is_anew)
        else:
            self._move(tracked, before, now)
        for audience in before.audiences():
            if audience not in now.audiences():
                self._audiences.leave(tracked, audience)

    def _move(self, tracked: Tracked, before: Standing, now: Standing) -> None:
        """Go from one audience to another: only those who belong to one of the two alone notice.

        HOT: once per entity that crosses a cell's border; tests/bench/bench_state.py.
        """
        tracked.standing = now
        assert before.public is not None
        assert now.public is not None
        for view in before.public.views:
            if view not in now.public.views:
                for client_id, subscriber in view.subscribers.items():
                    if client_id != now.keeper:
                        subscriber.hide(tracked)
        for view in now.public.views:
            if view not in before.public.views:
                for client_id, subscriber in view.subscribers.items():
                    if client_id != now.keeper:
                        self._uncover(subscriber, tracked)

    def _restand(self, tracked: Tracked, before: Standing, now: Standing, *, is_anew: bool) -> None:
        """Compare what each client saw with what it sees now."""
        seers = self.who_sees(before)
        saw = {client: tracked.visible_to(subscriber) for client, subscriber in seers.items()}
        if (before.viewers is None) != (now.viewers is None):
            for subscriber in seers.values():
                subscriber.hide(tracked)  # from here on it goes by another number
            saw = {}
        tracked.standing = now
        for client, subscriber in {**seers, **self.who_sees(now)}.items():
            sees = tracked.visible_to(subscriber)
            if not sees:
                subscriber.hide(tracked)
            elif is_anew or sees != saw.get(client):
                self._show(subscriber, tracked)

    def _enroll(self, tracked: Tracked, standing: Standing) -> None:
        for audience in standing.audiences():
            audience.members[tracked] = None
        if standing.viewers is not None or standing.keeper or tracked.owner:
            self._special[tracked] = None
        else:
            self._special.pop(tracked, None)
        if standing.viewers is not None:
            self._listed[tracked] = None
        else:
            self._listed.pop(tracked, None)

    def _standing(self, tracked: Tracked) -> Standing:
        """Return what follows from the rules of an entity and of what it is part of."""
        rules, root = self._rules, self._families.root_of(tracked.id)
        if root != tracked.id:
            self._places.forget(tracked.id)  # its own place, if it had one, is no rule any more
        viewers = rules.visible_to.values.get(root)
        team = self._team_of(tracked) if tracked.kind.team_bits else 0
        public = audience = None
        key = AudienceKey(rules.rooms.values.get(root) or None, self._cell_of(root))
        if viewers is None:
            public = self._audiences.open(key)
            audience = self._audiences.open(key._replace(team=team)) if team else None
        is_part = root != tracked.id or root in self._families.parts
        return Standing(
            public=public, team=audience, viewers=viewers, bounds=None if viewers is None else key,
            keeper=self._entities[root].owner if root in self._entities else 0, owner=tracked.owner,
            number=team, family=root if is_part else 0,
        )  # fmt: skip

    def _team_of(self, tracked: Tracked) -> int:
        own = self._rules.team_of(tracked.id)
        return self.standpoints.team_of(tracked.owner) if own is None else own

    def _remove(self, tracked: Tracked) -> None:
        """Take an entity that is gone, or has no records left, from all who saw it."""
        is_end = not self._world.entity_exists(tracked.id)
        for subscriber in self.who_sees(tracked.standing).values():
            subscriber.hide(tracked, is_end=is_end)
        for audience in tracked.standing.audiences():
            self._audiences.leave(tracked, audience)
        self._special.pop(tracked, None)
        self._listed.pop(tracked, None)
        self._places.forget(tracked.id)
        self._forget_references(tracked)

    # Positions.

    def _moved(self, frame: Frame) -> list[Move]:
        """Return where entities are now that moved, and that have a place for what they are or look from.

        HOT: once per moving entity per send tick; tests/bench/bench_state.py.
        """
        near, viewers = self._places.places, self._rules.viewer.values
        bit, place_of = self._place_bit, self._world.try_component
        if not near and not viewers:
            return []
        moving = [tracked.id for tracked, bits in frame.changed.items() if bits & bit]
        places = [(entity, place_of(entity, Transform2D)) for entity in moving if entity in near or entity in viewers]
        return [(entity, place.x, place.y) for entity, place in places if place is not None]

    def _cell_of(self, entity: int) -> Cell | None:
        """Return the cell an entity is seen from; None: from everywhere."""
        if not self._world.has_component(entity, Near):
            self._places.forget(entity)
            return None
        transform = self._world.try_component(entity, Transform2D)
        return NOWHERE if transform is None else self._places.put(entity, transform.x, transform.y)

    # Values that name other entities.

    def _follow_references(self, tracked: Tracked) -> None:
        """Note whom an entity's values name, to say it again to clients that begin to see one of these."""
        named = dict.fromkeys(tracked.named())
        if named == tracked.naming:
            return
        self._forget_references(tracked)
        tracked.naming = named
        for entity in named:
            self._holders.setdefault(entity, {})[tracked] = None

    def _forget_references(self, tracked: Tracked) -> None:
        for entity in tracked.naming:
            self._holders[entity].pop(tracked)
            if not self._holders[entity]:
                del self._holders[entity]
        tracked.naming = {}

    # Clients.

    def _look_from(self, subscriber: Subscriber) -> None:
        """Give a client the view that fits it now; what only one of the two views shows comes or goes."""
        before = subscriber.view
        key = self.standpoints.view_key(subscriber.client_id)
        if key == before.key:
            return
        now = subscriber.view = self._audiences.join(subscriber, key)
        if key.team != before.key.team:
            self._compare(subscriber, before, self._entities.values())
        else:
            client_id = subscriber.client_id
            named = [tracked for tracked in self._listed if client_id in (tracked.standing.viewers or ())]
            self._compare(subscriber, before, named)
            self._pan(subscriber, before.audiences, now.audiences)
        self._audiences.part(subscriber, before)

    def _compare(self, subscriber: Subscriber, before: View, entities: Iterable[Tracked]) -> None:
        """Find out of each entity whether a client sees other records of it than in the view it had."""
        now = subscriber.view
        for tracked in entities:
            subscriber.view = before
            saw = tracked.visible_to(subscriber)
            subscriber.view = now
            sees = tracked.visible_to(subscriber)
            if sees and sees != saw:
                self._show(subscriber, tracked)
            elif saw and not sees:
                subscriber.hide(tracked)

    def _pan(self, subscriber: Subscriber, before: Mapping[Audience, None], now: Mapping[Audience, None]) -> None:
        """Go from some audiences to others of the same team: entities are seen, or not, by their public one alone.

        HOT: once per Viewer that crosses a cell's border; tests/bench/bench_state.py.
        """
        client_id = subscriber.client_id
        for audience in before:
            if audience not in now:
                for tracked in audience.members:
                    if tracked.standing.public is audience and tracked.standing.keeper != client_id:
                        subscriber.hide(tracked)
        for audience in now:
            if audience not in before:
                for tracked in audience.members:
                    if tracked.standing.public is audience and tracked.standing.keeper != client_id:
                        self._uncover(subscriber, tracked)

    def _uncover(self, subscriber: Subscriber, tracked: Tracked) -> None:
        """Show an entity whose public audience a client has come to belong to."""
        if tracked.kind.public_bits or tracked.visible_to(subscriber):
            self._show(subscriber, tracked)

    def _show(self, subscriber: Subscriber, tracked: Tracked) -> None:
        is_new = not subscriber.knows(tracked.id)
        subscriber.show(tracked)
        if is_new:
            for holder in self._holders.get(tracked.id, ()):
                subscriber.mark(holder, holder.kind.ref_bits, self._tick)


def _is_open(tracked: Tracked) -> bool:
    """Tell whether all clients see an entity."""
    public = tracked.standing.public
    return public is not None and public.key == EVERYONE_KEY and bool(tracked.kind.public_bits)
