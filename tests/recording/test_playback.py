"""To a game's window a recording is a client: it moves, hears, stands still and jumps."""

from functools import cache
from itertools import pairwise

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.components import Player, Transform2D
from ecsnet.errors import RecordingError
from ecsnet.events import ClientStatus, Despawned, DespawnReason, Spawned, Synced
from ecsnet.game import Game
from ecsnet.recording import playback as playbacks
from ecsnet.recording.deck import Deck
from ecsnet.recording.playback import Playback
from ecsnet.recording.reader import Recording
from ecsnet.systems.chat import say
from ecsnet.testing.simulation import Simulation
from tests.recording.film import Film, Rang, Tread, game

FRAME_SECONDS = 1 / 60
SPEED_UNITS = 60.0  # of who presses, per second


@cache
def recording() -> Recording:
    """Return half a minute in which one player runs and another stands."""
    film, sim = Film(), Simulation(game, clients=2, seed=5)
    sim.server.record(film.begin)
    sim.clients[0].press(Tread(dx=1))
    sim.run(30)
    sim.server.close(now=sim.now)
    return film.develop()


class Projector:
    """A playback with frames of its own time."""

    def __init__(self, *, follow: str = "", at: float = 0.0, speed: float = 1.0) -> None:
        self.clock = VirtualClock(100.0)
        self.deck = Deck(recording().seconds, position_seconds=at, speed=speed)
        self.playback = Playback(recording(), game, follow=follow, deck=self.deck, clock=self.clock)
        self.events: list[object] = []
        self.frame()

    def frame(self) -> None:
        self.clock.advance(FRAME_SECONDS)
        self.playback.update()
        self.events += self.playback.events()

    def run(self, seconds: float) -> list[float]:
        """Return where the runner was drawn in each frame."""
        places = []
        for _ in range(round(seconds / FRAME_SECONDS)):
            self.frame()
            places.append(self.runner())
        return places

    def runner(self) -> float:
        return max(place.x for _, place in self.playback.view(Transform2D))

    def take(self) -> list[object]:
        events, self.events = self.events, []
        return events


def test_it_looks_like_a_client_that_watches() -> None:
    """So the window of any game shows it."""
    playback = Projector().playback

    assert (playback.is_ready, playback.status, playback.disconnected) == (True, ClientStatus.CONNECTED, None)
    assert (playback.entity, playback.client_id, playback.retrying) == (None, 0, None)
    assert {player.name for _, player in playback.view(Player)} == {"player-1", "player-2"}
    playback.press(Tread(dx=1))
    reply = playback.call(say, "hello", to_team=False)
    assert reply.refusal is not None
    assert reply.refusal.text == "this is a recording: there is no say"
    assert playback.enter("ABCD").refusal is not None
    playback.leave()


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0, 16.0])
def test_what_moves_is_drawn_evenly_at_any_speed(speed: float) -> None:
    """Ten states a second, sixty frames: between two states all is drawn between."""
    projector = Projector(at=1.0, speed=speed)
    projector.run(0.3)
    places = projector.run(1.2)
    steps = [after - before for before, after in pairwise(places)]

    expected = SPEED_UNITS * speed * FRAME_SECONDS
    assert min(steps) > 0.8 * expected
    assert max(steps) < 1.2 * expected


def test_paused_nothing_moves_and_nothing_happens() -> None:
    """As long as one likes."""
    projector = Projector(at=5.0)
    projector.run(0.5)
    projector.deck.toggle()
    projector.frame()
    projector.take()
    tick = projector.playback.world.tick

    assert len(set(projector.run(1.0))) == 1
    assert projector.take() == []
    assert projector.playback.world.tick == tick


def test_events_are_told_when_they_are_played_and_not_when_they_are_skipped() -> None:
    """Nobody wants to hear all goals at once."""
    projector = Projector()
    projector.take()
    projector.run(3.0)
    heard = [event for event in projector.take() if isinstance(event, Rang)]
    assert len(heard) == 12
    assert [event.number % 10 for event in heard] == [0, 3] * 6
    assert heard[0].by in {entity for entity, _ in projector.playback.view(Player)}

    projector.deck.skip(10.0)
    projector.frame()

    assert not [event for event in projector.take() if isinstance(event, Rang)]


@pytest.mark.parametrize("to", [0.0, 4.0, 9.95, 14.0, 30.0])
def test_a_jump_leads_to_what_was_there_then_also_while_paused(to: float) -> None:
    """Forward and back; it is as if a client came to another world."""
    straight, projector = Projector(), Projector(at=12.0)
    while straight.deck.position_seconds < to:
        straight.frame()
    projector.run(0.5)
    projector.deck.toggle()
    projector.take()
    projector.deck.jump(to)
    projector.frame()
    projector.frame()

    assert projector.runner() == pytest.approx(straight.runner(), abs=0.2 + SPEED_UNITS * 2 * FRAME_SECONDS)
    events = projector.take()
    gone = [event for event in events if isinstance(event, Despawned)]
    assert {event.reason for event in gone} == {DespawnReason.HIDDEN}
    kinds = [type(event) for event in events]
    assert kinds == [Despawned] * len(gone) + [Spawned] * len(gone) + [Synced]


def test_at_its_end_it_stands_still() -> None:
    """The window stays open."""
    projector = Projector(at=29.5)
    projector.run(2.0)

    assert projector.deck.is_at_end
    assert len(set(projector.run(0.5))) == 1
    assert projector.playback.disconnected is None


def test_a_player_may_be_followed_by_name() -> None:
    """A window shows him as its own."""
    playback = Projector(follow="player-2").playback

    assert playback.entity is not None
    assert playback.world.component_for_entity(playback.entity, Player).name == "player-2"
    assert Projector(follow="nobody").playback.entity is None


def test_where_a_part_is_damaged_it_goes_on_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is no time for whoever watches: it stands until there is something again."""
    data = bytearray(recording()._data)
    block = recording()._blocks[3]
    data[block.end - 1] ^= 1
    deck, clock = Deck(recording().seconds, position_seconds=2.0), VirtualClock()
    playback = Playback(Recording(bytes(data)), game, deck=deck, clock=clock)
    places = []
    for _ in range(round(10 / FRAME_SECONDS)):
        clock.advance(FRAME_SECONDS)
        playback.update()
        places.append(max(place.x for _, place in playback.view(Transform2D)))

    assert len(set(places[120:400])) == 1
    assert places[-1] == pytest.approx(places[0] + 10 * SPEED_UNITS, rel=0.05)


def test_of_a_host_that_never_asks_the_newest_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a client."""
    monkeypatch.setattr(playbacks, "MAX_EVENTS", 10)
    playback = Projector().playback
    clock = playback._machine
    for _ in range(1000):
        clock.sleep(FRAME_SECONDS)
        playback.update()

    assert 10 <= len(playback.events()) < 30


def test_another_game_is_refused() -> None:
    """Its window would show nonsense."""
    with pytest.raises(RecordingError, match="film shows yard, not soccer"):
        Playback(recording(), Game("soccer"))
