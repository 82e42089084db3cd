"""What a client made and deleted ahead of the server, held against what the server says."""

import pytest

from ecsnet.components import Owner, Predicted, Spawned, Transform2D, Velocity2D
from ecsnet.events import Changed, ClientEvent, Despawned, DespawnReason
from ecsnet.events import Spawned as Came
from ecsnet.game import Game
from ecsnet.replication.frames import State, Update
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.systems.ahead import MOST_MADE, SAME_TICKS, Ahead
from ecsnet.wire import advance_tick
from ecsnet.world import World

SCHEMA = Schema(Game("nothing"))
ME = 3
SHOOTER, SHOT, COIN = 1, 17, 18  # the server's entities
PATIENCE = 40
STARTS = pytest.mark.parametrize("start", [1000, 2**32 - 5])


class Side:
    """A client's World with a shooter in it; ticks are counted from where the test begins."""

    def __init__(self, start: int = 1000) -> None:
        """Let the server tell of the shooter."""
        self.world = World(tick=start, scope_marker=Predicted)
        self.receiver = Receiver(SCHEMA, self.world)
        self.ahead = Ahead(self.world, self.receiver, patience_ticks=PATIENCE)
        self.ahead.client_id = ME
        self.start = start
        self.say(0, SHOOTER, Owner(ME))
        self.shooter = self.receiver.entity_of(SHOOTER)
        self.events()

    def tick(self, at: int) -> int:
        """Return a tick."""
        return advance_tick(self.start, at)

    def say(self, at: int, network_id: int, *parts: object) -> None:
        """Let a full of the server arrive."""
        values = [
            (record.id, record.codec.quantise(part)) for part in parts for record in SCHEMA.records_of[type(part)]
        ]
        full = (network_id, sorted(values), 0)
        self.receiver.apply(State(self.tick(at), None, synced=False, fulls=(full,)))

    def end(self, at: int, network_id: int) -> None:
        """Let the end of an entity arrive."""
        self.receiver.apply(State(self.tick(at), None, synced=False, gones=(network_id,)))

    def spawn(self, at: int, number: int = 0, *, owner: int = ME) -> int:
        """Make a shot in a tick."""
        self.world.tick = self.tick(at)
        return self.ahead.spawn([Spawned(self.shooter, self.world.tick, number), Owner(owner), Transform2D(x=at)])

    def spawned(self, at: int, number: int = 0, by: int = SHOOTER) -> Spawned:
        """Return what the server writes on a shot."""
        return Spawned(by, self.tick(at), number)

    def hide(self, entity: int, at: int) -> None:
        """Delete in a tick."""
        self.world.tick = self.tick(at)
        self.ahead.hide(entity)

    def is_shown(self, entity: int) -> bool:
        """Tell whether anybody finds an entity."""
        return self.world.has_component(entity, Transform2D)

    def events(self) -> list[ClientEvent]:
        """End an update."""
        self.ahead.tell()
        return self.receiver.news.take()


@STARTS
@pytest.mark.parametrize("number", [0, 1])
def test_the_servers_is_taken_for_the_one_of_the_same_tick_and_number(start: int, number: int) -> None:
    """Whoever made it, when, as how many-th: that is its name on both sides."""
    side = Side(start)
    shots = [side.spawn(4, 0), side.spawn(4, 1)]
    side.say(5, SHOT, side.spawned(4, number), Owner(ME), Transform2D())

    assert side.receiver.entity_of(SHOT) == shots[number]
    assert len(side.world.get_component(Transform2D)) == 2


@STARTS
@pytest.mark.parametrize("late", [-SAME_TICKS - 1, -SAME_TICKS, -1, 1, SAME_TICKS, SAME_TICKS + 1])
def test_the_servers_of_a_few_ticks_off_is_the_same_and_no_further(start: int, late: int) -> None:
    """A key that comes late makes the shot late; what is further off is another shot."""
    side = Side(start)
    shot = side.spawn(20)
    side.say(30, SHOT, side.spawned(20 + late), Owner(ME), Transform2D())

    assert (side.receiver.entity_of(SHOT) == shot) is (abs(late) <= SAME_TICKS)


@STARTS
def test_a_shot_that_was_made_there_is_not_taken_for_its_neighbour(start: int) -> None:
    """Rapid fire: of two shots three ticks apart each meets its own, in whatever order the server's arrive."""
    side = Side(start)
    first, second = side.spawn(4), side.spawn(7)
    side.say(9, SHOT, side.spawned(7), Owner(ME), Transform2D())
    side.say(9, SHOT + 1, side.spawned(4), Owner(ME), Transform2D())
    side.say(9, SHOT + 2, side.spawned(4), Owner(ME), Transform2D())

    assert [side.receiver.entity_of(SHOT + at) for at in (1, 0)] == [first, second]
    assert side.receiver.entity_of(SHOT + 2) not in {first, second}


@STARTS
def test_what_the_server_takes_from_its_own_is_taken_from_the_one_made_here(start: int) -> None:
    """Though it was not the server that gave it here."""
    side = Side(start)
    shot = side.spawn(4)
    side.say(5, SHOT, side.spawned(4), Owner(ME), Transform2D(), Velocity2D())
    before = side.is_shown(shot)
    side.say(7, SHOT, side.spawned(4), Owner(ME), Velocity2D())

    assert before
    assert not side.is_shown(shot)
    assert side.world.has_component(shot, Velocity2D)


def test_of_a_maker_that_is_gone_the_shot_is_found_by_its_tick() -> None:
    """The server deleted the shooter: its shot names nobody."""
    side = Side()
    shot = side.spawn(4)
    side.end(5, SHOOTER)
    side.say(5, SHOT, side.spawned(4, by=0), Owner(ME), Transform2D())

    assert side.receiver.entity_of(SHOT) == shot


@STARTS
def test_a_replay_finds_the_same_entity_again(start: int) -> None:
    """Simulated twice it is made once; the game hears of it once."""
    side = Side(start)
    shot = side.spawn(4)
    side.ahead.rewind(side.tick(2))
    between = side.is_shown(shot)
    again = side.spawn(4)
    side.ahead.settle()

    assert not between
    assert (again, side.is_shown(again)) == (shot, True)
    assert side.events() == [Came(shot)]


@STARTS
def test_a_replay_that_makes_it_later_moves_it_there(start: int) -> None:
    """One shot on the screen: not the old one gone and a new one come."""
    side = Side(start)
    shot = side.spawn(4)
    side.events()
    side.ahead.rewind(side.tick(2))
    again = side.spawn(6)
    side.ahead.settle()
    side.say(8, SHOT, side.spawned(6), Owner(ME), Transform2D())

    assert again == shot == side.receiver.entity_of(SHOT)
    assert side.events() == []


@STARTS
def test_what_a_replay_does_not_make_is_gone(start: int) -> None:
    """The mistake is mended as soon as it is known."""
    side = Side(start)
    shot = side.spawn(4)
    side.events()
    side.ahead.rewind(side.tick(2))
    side.ahead.settle()

    assert side.events() == [Despawned(shot, DespawnReason.DELETED)]
    assert not side.world.entity_exists(shot)
    assert side.ahead.take_discarded() == [shot]


@STARTS
@pytest.mark.parametrize(("made", "is_doubted"), [(4, False), (5, True), (8, True), (9, False)])
def test_what_was_made_where_the_server_went_another_way_is_doubted(start: int, made: int, *, is_doubted: bool) -> None:
    """Right until 4, wrong at 8: what lies between goes with the replay that does not make it."""
    side = Side(start)
    shot = side.spawn(made)
    side.ahead.rewind(side.tick(8), wrong={side.shooter}, since=side.tick(4))
    if made > 8:
        side.spawn(made)
    side.ahead.settle()

    assert side.world.entity_exists(shot) is not is_doubted


def test_what_others_than_the_wrong_made_is_not_doubted() -> None:
    """Their prediction was right."""
    side = Side()
    shot = side.spawn(6)
    side.ahead.rewind(side.tick(8), wrong={side.shooter + 99}, since=side.tick(4))
    side.ahead.settle()

    assert side.is_shown(shot)


@STARTS
def test_what_was_doubted_and_is_made_again_is_the_same(start: int) -> None:
    """The server had not shot by tick 8; the replay does it at 9."""
    side = Side(start)
    shot = side.spawn(6)
    side.ahead.rewind(side.tick(8), wrong={side.shooter}, since=side.tick(4))
    again = side.spawn(9)
    side.ahead.settle()

    assert again == shot
    assert len(side.world.get_component(Transform2D)) == 1


@STARTS
def test_what_the_server_never_speaks_of_is_given_up(start: int) -> None:
    """Not before the patience is over, and not after."""
    side = Side(start)
    shot = side.spawn(4)
    side.ahead.expire(side.tick(4 + PATIENCE))
    before = side.is_shown(shot)
    side.ahead.expire(side.tick(5 + PATIENCE))

    assert before
    assert not side.world.entity_exists(shot)


def test_of_too_many_the_oldest_are_given_up() -> None:
    """A server that says nothing must not fill the memory."""
    side = Side()
    shots = [side.spawn(at, number) for at in range(2) for number in range(MOST_MADE // 2)]
    side.spawn(3)

    assert not side.world.entity_exists(shots[0])
    assert all(side.world.entity_exists(shot) for shot in shots[1:])


@STARTS
def test_the_servers_word_from_before_the_deletion_brings_nothing_back(start: int) -> None:
    """The shot hit a wall here before its full came: it is known, and stays away; the newer state changes nothing."""
    side = Side(start)
    shot = side.spawn(4)
    side.hide(shot, 7)
    side.say(5, SHOT, side.spawned(4), Owner(ME), Transform2D(), Velocity2D())
    side.ahead.take_back()

    assert side.receiver.entity_of(SHOT) == shot
    assert not side.is_shown(shot)
    assert not side.world.components_for_entity(shot)
    assert not side.ahead.is_stale


@STARTS
def test_the_servers_word_from_after_the_deletion_brings_it_back(start: int) -> None:
    """It hit nothing on the server; where it is by now is for a replay to say."""
    side = Side(start)
    shot = side.spawn(4)
    side.hide(shot, 7)
    side.say(9, SHOT, side.spawned(4), Owner(ME), Transform2D())
    side.ahead.take_back()

    assert side.is_shown(shot)
    assert side.ahead.is_stale


@STARTS
def test_a_rewind_gives_back_what_was_deleted_after_it(start: int) -> None:
    """And deleted again in the replay it is told as nothing at all."""
    side = Side(start)
    shot = side.spawn(4)
    side.events()
    side.hide(shot, 7)
    told = side.events()
    side.ahead.rewind(side.tick(5))
    between = side.is_shown(shot)
    side.hide(shot, 7)
    side.ahead.settle()

    assert between
    assert told == [Despawned(shot, DespawnReason.DELETED)]
    assert side.events() == []


@STARTS
def test_what_is_given_back_is_as_the_server_has_it(start: int) -> None:
    """A coin moved while it was hidden, and the correction says that nobody picked it up."""
    side = Side(start)
    side.say(1, COIN, Transform2D(x=1.0))
    coin = side.receiver.entity_of(COIN)
    side.events()
    side.hide(coin, 7)
    hidden = side.events()
    [record] = SCHEMA.records_of[Transform2D]
    update: Update = (COIN, [(record.id, (5.0, 0.0, 0.0))], 0)
    side.receiver.apply(State(side.tick(4), None, synced=False, updates=(update,)))
    silent = side.events()
    side.ahead.rewind(side.tick(5))
    side.ahead.settle()

    assert side.world.component_for_entity(coin, Transform2D).x == 5.0
    assert hidden == [Despawned(coin, DespawnReason.DELETED)]
    assert silent == []
    assert side.events() == [Came(coin)]


def test_the_end_of_what_is_hidden_is_not_told_again() -> None:
    """The server agreed."""
    side = Side()
    side.say(1, COIN, Transform2D(x=1.0))
    coin = side.receiver.entity_of(COIN)
    side.events()
    side.hide(coin, 7)
    told = side.events()
    side.end(8, COIN)
    side.ahead.expire(side.tick(8))

    assert told == [Despawned(coin, DespawnReason.DELETED)]
    assert side.events() == []
    assert repr(side.ahead) == "Ahead(0 unconfirmed, 0 aside)"


@pytest.mark.parametrize("goes_back", [False, True], ids=["stays", "replayed"])
def test_what_both_delete_in_one_update_is_told_once(*, goes_back: bool) -> None:
    """Two ticks in one frame: deleted here in the first, and the second brings the server's end of it.

    Also if a replay would have given it back in between; and it is told with all it had.
    """
    side = Side()
    side.say(1, COIN, Transform2D(x=1.0))
    coin = side.receiver.entity_of(COIN)
    side.events()
    side.hide(coin, 7)
    side.end(8, COIN)
    if goes_back:
        side.ahead.rewind(side.tick(5))
        side.ahead.settle()
    [told] = side.events()

    assert isinstance(told, Despawned)
    assert told.components == {Transform2D: Transform2D(x=1.0)}
    assert side.receiver.despawned == {coin: {}}  # nothing of it is drawn on
    assert not side.receiver.news._hidden
    assert side.events() == []


def test_what_the_server_keeps_comes_back_after_the_patience() -> None:
    """Told as come."""
    side = Side()
    side.say(1, COIN, Transform2D(x=1.0))
    coin = side.receiver.entity_of(COIN)
    side.hide(coin, 7)
    side.events()
    side.ahead.expire(side.tick(7 + PATIENCE))
    before = side.is_shown(coin)
    side.ahead.expire(side.tick(8 + PATIENCE))

    assert not before
    assert side.is_shown(coin)
    assert side.events() == [Came(coin)]


@pytest.mark.parametrize(("late", "is_back"), [(SAME_TICKS, False), (SAME_TICKS + 1, True)])
@STARTS
def test_what_the_server_speaks_of_after_its_deletion_here_comes_back_at_once(
    start: int, late: int, *, is_back: bool
) -> None:
    """A bullet that hit here and missed there flies on: it must not be gone for the whole of the patience.

    Of the ticks right after the deletion nothing follows: the server may delete it a little later.
    """
    side = Side(start)
    side.say(1, COIN, Transform2D(x=1.0))
    coin = side.receiver.entity_of(COIN)
    side.hide(coin, 10)
    record = SCHEMA.records_of[Transform2D][0]
    update: Update = (COIN, [(record.id, (7.0, 0.0, 0.0))], 0)
    side.receiver.apply(State(side.tick(10 + late), None, synced=False, updates=(update,)))
    side.ahead.expire(side.tick(10 + late))

    assert side.is_shown(coin) is is_back
    if is_back:
        assert side.world.component_for_entity(coin, Transform2D).x == 7.0


def test_what_is_made_for_others_lasts_for_the_tick() -> None:
    """Systems that come later in it may go on with it; it is never told."""
    side = Side()
    shot = side.spawn(4, owner=ME + 1)
    during = side.is_shown(shot)
    side.ahead.end_tick()

    assert during
    assert not side.world.entity_exists(shot)
    assert side.events() == []


def test_what_was_made_here_changes_like_any_other() -> None:
    """The server need not have spoken of it."""
    side = Side()
    shot = side.spawn(4)
    side.events()
    side.receiver.news.note_predicted()
    side.world.component_for_entity(shot, Transform2D).x = 9.0

    assert side.events() == [Changed(shot, Transform2D)]
