"""Mutants of replication: each breaks one rule of the client or the server, and the checks must find them."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from ecsnet.events import DespawnReason
from ecsnet.replication import agenda
from ecsnet.replication import receiver as receiver_module
from ecsnet.replication.assembly import Assembly
from ecsnet.replication.audiences import AudienceKey, View, ViewKey
from ecsnet.replication.chunks import Chunk, cut, ids_of
from ecsnet.replication.codec import Values
from ecsnet.replication.early import EarlyBuffer
from ecsnet.replication.frames import State, Update
from ecsnet.replication.grid import Places
from ecsnet.replication.interest import Interest
from ecsnet.replication.kinds import Kind, Standing, Tracked
from ecsnet.replication.names import Names
from ecsnet.replication.receiver import Receiver, Replica
from ecsnet.replication.references import References
from ecsnet.replication.schema import Record
from ecsnet.replication.sender import Sender
from ecsnet.replication.standpoints import Standpoints
from ecsnet.replication.steering import Steering
from ecsnet.replication.subscriber import Subscriber
from ecsnet.wire import Tick, is_newer

Patch: TypeAlias = Callable[[pytest.MonkeyPatch], None]


class LastWriterPerEntity(Receiver):
    """Takes an update only if it is newer than anything it has of the entity."""

    def _apply_update(self, update: Update, tick: Tick) -> None:
        replica = self._replicas.get(update[0])
        if replica is None or all(is_newer(tick, at) for at, _ in replica.confirmed.values()):
            super()._apply_update(update, tick)


class FirstComeFirstServed(Receiver):
    """Applies every update, however old."""

    def _apply_update(self, update: Update, tick: Tick) -> None:
        replica = self._replicas.get(update[0])
        if replica is None:
            super()._apply_update(update, tick)
            return
        for record_id, values in update[1]:
            if record_id in replica.confirmed:
                self._confirm(replica, record_id, tick, values)


class NoTombstones(Receiver):
    """Forgets what is gone."""

    def _is_after_end(self, network_id: int, tick: Tick) -> bool:  # the rule's signature
        return True


class NoEarlyBuffer(Receiver):
    """Drops updates of what it does not know yet."""

    def _hold(self, network_id: int, values: object, tick: Tick, size: int) -> None:
        """Do nothing."""


class AppliesOldFulls(Receiver):
    """Lets any full decide on structure."""

    def _apply_full(self, update: Update, tick: Tick) -> None:
        replica = self._replicas.get(update[0])
        if replica is not None:
            replica.structured_at = (tick - 1) & 0xFFFFFFFF
        super()._apply_full(update, tick)


class AppliesOldEnds(Receiver):
    """Lets any end delete, also one from before the entity came back."""

    def _end(self, network_id: int, tick: Tick, reason: DespawnReason) -> None:
        replica = self._replicas.get(network_id)
        if replica is not None:
            replica.structured_at = (tick - 1) & 0xFFFFFFFF
        super()._end(network_id, tick, reason)


class KeepsRecords(Receiver):
    """Adds what a full names, and never takes anything."""

    def _restructure(self, replica: Replica, values: list[tuple[int, Values]], tick: Tick) -> None:
        named = {record_id for record_id, _ in values}
        kept = [(record_id, held) for record_id, (_, held) in replica.confirmed.items() if record_id not in named]
        super()._restructure(replica, values + kept, tick)


class ForgetsNewerValues(Receiver):
    """Drops values that are newer than the full or end that takes their record, instead of keeping them aside."""

    def _forget_values(self, replica: Replica, record: Record, tick: Tick) -> None:
        super()._forget_values(replica, record, replica.confirmed[record.id][0])
        del tick


class IgnoresLeaves(Receiver):
    """Keeps what it is told it sees no more."""

    def apply(self, state: State) -> None:
        super().apply(replace(state, leaves=()))


class HalfRecords(Receiver):
    """Writes only the first value of a record."""

    def _write(self, entity: int, record: Record, values: Values) -> None:
        component = self._world.try_component(entity, record.cls)
        if component is not None and values:
            setattr(component, record.fields[0].name, values[0])


RECEIVERS = [
    LastWriterPerEntity,
    FirstComeFirstServed,
    NoTombstones,
    NoEarlyBuffer,
    AppliesOldFulls,
    AppliesOldEnds,
    KeepsRecords,
    ForgetsNewerValues,
    IgnoresLeaves,
    HalfRecords,
]


class TrustsTheNetwork(Sender):
    """Takes every loss for an arrival."""

    def report(self, client_id: int, token: int, *, acked: bool) -> None:  # the rule's signature
        super().report(client_id, token, acked=True)


def _loses(part: str) -> type[Sender]:
    """Return a Sender that does not repair one part of a lost message."""

    class Loses(Sender):
        def report(self, client_id: int, token: int, *, acked: bool) -> None:
            subscriber = self._subscribers.get(client_id)
            sent = subscriber.sent.get(token) if subscriber else None
            if subscriber is not None and sent is not None and not acked:
                copy = type(sent)(sent.tick, sent.chunks, sent.repairs, sent.fulls, sent.gones)
                setattr(copy, part, [])
                subscriber.sent[token] = copy
            super().report(client_id, token, acked=acked)

    Loses.__name__ = f"LosesFor{part.capitalize()}"
    return Loses


class LosesLeaves(Sender):
    """Says again what was deleted, but not what is seen no more."""

    def report(self, client_id: int, token: int, *, acked: bool) -> None:
        subscriber = self._subscribers.get(client_id)
        sent = subscriber.sent.get(token) if subscriber else None
        if sent is not None and not acked:
            sent.gones = [gone for gone in sent.gones if gone[1]]
        super().report(client_id, token, acked=acked)


SENDERS = [TrustsTheNetwork, *map(_loses, ["chunks", "repairs", "fulls", "gones"]), LosesLeaves]


def no_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare ticks as plain numbers."""
    monkeypatch.setattr(receiver_module, "is_newer", lambda tick, than: tick > than)


def owner_records_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every client all records of an entity."""
    monkeypatch.setattr(Tracked, "visible_to", lambda self, _client: self.kind.bits)


def owner_records_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat a change of owner as a change of a value only."""
    original = Interest._restand

    def restand(self: Interest, tracked: Tracked, before: Standing, now: Standing, *, is_anew: bool) -> None:
        if is_anew:
            original(self, tracked, before, now, is_anew=True)
        tracked.standing = now

    monkeypatch.setattr(Interest, "_restand", restand)


def owner_changes_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put changes of owner records into the frame for everyone."""
    original = Kind.__init__

    def make(self: Kind, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.public_bits = self.bits

    monkeypatch.setattr(Kind, "__init__", make)


def ends_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of what is gone."""
    original = Subscriber.hide

    def hide(self: Subscriber, tracked: Tracked, *, is_end: bool = False) -> None:
        original(self, tracked, is_end=is_end)
        self.needs_gone.clear()

    monkeypatch.setattr(Subscriber, "hide", hide)


def skipped_unmarked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chunks that did not fit the budget for sent."""
    original = Subscriber.mark

    def mark(self: Subscriber, tracked: Tracked, bits: int, tick: Tick) -> None:
        if sys._getframe(1).f_code.co_name != "_add_chunks":
            original(self, tracked, bits, tick)

    monkeypatch.setattr(Subscriber, "mark", mark)


def stale_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep reading the component object an entity had first."""

    def adopt(kind: Kind, tracked: Tracked, components: object) -> None:
        """Do nothing."""

    monkeypatch.setattr(Kind, "adopt", adopt)


def references_stay_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never look again at a name that could not be resolved."""
    monkeypatch.setattr(References, "holders_of", lambda *_: [])


def early_keeps_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first early value win instead of the newest."""
    original = EarlyBuffer.hold

    def hold(self: EarlyBuffer, network_id: int, record_id: int, *rest: Any) -> None:
        waiting = self._entities.get(network_id)
        if waiting is None or record_id not in waiting.values:
            original(self, network_id, record_id, *rest)

    monkeypatch.setattr(EarlyBuffer, "hold", hold)


def scattered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put each record that changed into a run, and so perhaps a chunk, of its own."""
    monkeypatch.setattr("ecsnet.replication.broadcast.cut", _cut_each)


def _cut_each(groups: Mapping[int, list[Tracked]], tick: Tick, _limit: int) -> list[Chunk]:
    rows = [(1 << i, members) for bits, members in groups.items() for i in ids_of(bits)]
    return [chunk for bit, members in rows for chunk in cut({bit: members}, tick, 1)]


def entering_without_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what came into view for known."""
    monkeypatch.setattr(Interest, "_show", lambda *_: None)


def crossing_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an entity cross a cell's border without telling those who saw it from one side only."""

    def move(self: Interest, tracked: Tracked, before: Standing, now: Standing) -> None:
        tracked.standing = now

    monkeypatch.setattr(Interest, "_move", move)


def crossing_hides_from_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget, when a cell's border is crossed, that some see both sides."""
    original = Interest._move

    def move(self: Interest, tracked: Tracked, before: Standing, now: Standing) -> None:
        original(self, tracked, before, now)
        assert before.public is not None
        for view in before.public.views:
            for subscriber in view.subscribers.values():
                subscriber.hide(tracked)

    monkeypatch.setattr(Interest, "_move", move)


def stuck_in_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never find that somebody left a cell."""
    monkeypatch.setattr(Places, "left_by", lambda *_: [])


def viewers_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow neither players nor Viewers."""
    monkeypatch.setattr(Standpoints, "follow", lambda *_: {})


def rooms_all_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show what is in several rooms only to who is in all of them."""
    original = View.sees

    def sees(self: View, key: AudienceKey) -> bool:
        return original(self, key) and (key.rooms is None or key.rooms <= self.key.rooms)

    monkeypatch.setattr(View, "sees", sees)


def first_room_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who leaves one room leave all."""
    original = Standpoints.view_key

    def view_key(self: Standpoints, client_id: int) -> ViewKey:
        key = original(self, client_id)
        return key._replace(rooms=frozenset(sorted(key.rooms)[:1]))

    monkeypatch.setattr(Standpoints, "view_key", view_key)


def everybody_one_team(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all clients for members of one team."""
    monkeypatch.setattr(Standpoints, "team_of", lambda *_: 1)


def owner_out_of_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide from an owner what it would not see if it were another's."""
    original = Interest._standing

    def standing(self: Interest, tracked: Tracked) -> Standing:
        return original(self, tracked)._replace(keeper=0)

    monkeypatch.setattr(Interest, "_standing", standing)


def list_beats_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show an entity to whom it names, whatever its rooms and wherever it is."""
    monkeypatch.setattr(
        Standing, "names", lambda self, subscriber: subscriber.client_id in (self.viewers or ()), raising=True
    )


def names_of_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call an entity that names its viewers as everybody would."""
    monkeypatch.setattr(Names, "give", lambda *_: None)


def names_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call an entity in its next visit as in the last."""
    monkeypatch.setattr(Names, "take", Names.of)


def names_of_the_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name in values whom the client does not see."""
    monkeypatch.setattr(Subscriber, "_named", lambda self, entity: self.names.of(entity))


def references_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell all the same names, as if everybody saw everybody."""
    monkeypatch.setattr(Interest, "names_somebody_hidden", lambda *_: False)


def references_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing to holders of a reference when its target comes into view."""
    monkeypatch.setattr(Interest, "_show", lambda _, subscriber, tracked: subscriber.show(tracked))


def paused_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send on what is paused."""
    monkeypatch.setattr("ecsnet.replication.detect.Paused", type("Nothing", (), {}))


def children_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each member of a family travel alone."""
    original = Interest._standing

    def standing(self: Interest, tracked: Tracked) -> Standing:
        return original(self, tracked)._replace(family=0)

    monkeypatch.setattr(Interest, "_standing", standing)


def children_by_their_own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show a child to whom it would show itself, wherever its parent is seen."""
    monkeypatch.setattr(Interest, "_root_of", lambda _, entity: entity)


def steered_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send an owner what it steers, whether it sees it or not."""

    def present(self: Subscriber, steered: Iterable[Tracked]) -> dict[int, Tracked]:
        return {self.names.of(tracked.id): tracked for tracked in steered}

    monkeypatch.setattr(Subscriber, "present", present)


def steered_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what an owner is told of what it steers for known as soon as it is sent."""
    original = Steering.plan

    def plan(self: Steering, *args: Any) -> Any:
        planned = original(self, *args)
        self.arrived(args[3])
        return planned

    monkeypatch.setattr(Steering, "plan", plan)


def steered_before_it_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rely on a full of what is steered that nobody knows to have arrived."""
    original = Steering.plan

    def plan(self: Steering, steered: Any, known: Any, *args: Any) -> Any:
        self.fulls = {i: known[i] for i in steered}
        return original(self, steered, known, *args)

    monkeypatch.setattr(Steering, "plan", plan)


def steered_beside_any_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave to the frame what it tells of what is steered, whichever message it is in."""
    original = agenda._add_steered

    def add_steered(assembly: Assembly, subscriber: Subscriber, steered: Any, tick: Tick) -> Any:
        chunks = subscriber.view.chunks(tick)
        plan = Steering.plan
        with pytest.MonkeyPatch.context() as patch:
            beside = Chunk(tick, parts=chunks)
            patch.setattr(
                Steering, "plan", lambda self, steered, known, _, tick: plan(self, steered, known, beside, tick)
            )
            return original(assembly, subscriber, steered, tick)

    monkeypatch.setattr(agenda, "_add_steered", add_steered)


def steered_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take whom the values of what is steered name for the same as long as they do not change."""
    monkeypatch.setattr(Steering, "tell_again", lambda *_: None)


def hidden_still_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on waiting to send what was hidden meanwhile."""
    original = Subscriber.hide

    def hide(self: Subscriber, tracked: Tracked, *, is_end: bool = False) -> None:
        due = {at: each for at, each in self.needs_full.items() if each is tracked}
        original(self, tracked, is_end=is_end)
        self.needs_full.update(due)

    monkeypatch.setattr(Subscriber, "hide", hide)


def large_families_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a budget that holds a whole family, if it takes for ever."""
    original = Assembly.add_fulls
    monkeypatch.setattr(
        Assembly,
        "add_fulls",
        lambda self, fulls, is_free=False: not is_free and original(self, fulls),
    )


PATCHES = [
    entering_without_full,
    crossing_unnoticed,
    crossing_hides_from_all,
    stuck_in_cells,
    viewers_stand_still,
    rooms_all_needed,
    first_room_counts,
    everybody_one_team,
    owner_out_of_view,
    list_beats_rules,
    names_of_everybody,
    names_used_again,
    names_of_the_hidden,
    references_shared,
    references_told_once,
    paused_goes_on,
    children_alone,
    children_by_their_own_rules,
    steered_unseen,
    steered_told_once,
    steered_before_it_arrived,
    steered_beside_any_chunk,
    steered_names_stay,
    hidden_still_due,
    large_families_wait,
    no_wrap,
    owner_records_for_all,
    owner_records_stay,
    owner_changes_for_all,
    ends_unsaid,
    skipped_unmarked,
    stale_components,
    references_stay_unknown,
    early_keeps_oldest,
    scattered,
]
