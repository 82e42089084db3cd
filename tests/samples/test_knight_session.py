"""A player's session at a terminal, without the terminal: lines in, lines out, over virtual networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import ServerConfig
from ecsnet.events import ClientStatus
from ecsnet.game import Game
from ecsnet.netfield import EVERYONE
from ecsnet.samples.knight import session as sessions
from ecsnet.samples.knight.components import Barbarian, Fallen, Gold, Health, KnightFell
from ecsnet.samples.knight.game import endless, game
from ecsnet.samples.knight.session import Session
from ecsnet.samples.knight.texts import Line, plain, wrapped
from ecsnet.testing.network import Link
from ecsnet.testing.plugin import Simulate
from ecsnet.testing.simulation import Simulation


class Seat:
    """Somebody at a terminal in a simulation: types, and keeps all that was shown."""

    def __init__(self, sim: Simulation, client: Client) -> None:
        self.sim, self.client = sim, client
        self.session = Session(client)
        self.shown: list[str] = []
        sim.before_each_step(self.look)

    def look(self) -> None:
        self.session.frame()
        self.shown += [plain(line) for line in self.session.take_lines()]

    def enter(self, line: str, *, seconds: float = 0.6) -> list[str]:
        """Type a line; return what is shown within a time."""
        before = len(self.shown)
        self.session.enter(line)
        self.sim.run(seconds)
        self.look()
        return self.shown[before:]

    @property
    def entity(self) -> int:
        rows = self.sim.server.world.get_component(Player)
        return next(entity for entity, player in rows if player.client_id == self.client.client_id)

    @property
    def gold(self) -> Gold:
        return self.sim.server.world.component_for_entity(self.entity, Gold)

    @property
    def health(self) -> Health:
        return self.sim.server.world.component_for_entity(self.entity, Health)

    def status(self, columns: int = 80) -> str:
        return plain(self.session.status(columns))


def sit(sim: Simulation, *clients: Client) -> list[Seat]:
    """Give each client a seat, and let them be welcomed."""
    seats = [Seat(sim, client) for client in clients or sim.clients]
    sim.run(0.2)
    return seats


def one(simulate: Simulate, played: Game = endless) -> Seat:
    return sit(simulate(played))[0]


def mend_barbarians(sim: Simulation) -> None:
    for entity, _ in sim.server.world.get_component(Barbarian):
        sim.server.world.component_for_entity(entity, Health).points = 30
        sim.server.world.remove_component(entity, Fallen)


def test_whoever_comes_is_told_who_he_is_and_what_to_type(simulate: Simulate) -> None:
    """Once, and nothing of what was there before him."""
    sim = simulate(game, clients=3)
    seat = Seat(sim, sim.join("Ada", wait=False))
    sim.run(2)

    assert "Knight, with Ada in the saddle" in seat.shown
    assert any("The first knight with 200 gold wins" in line for line in seat.shown)
    assert any("attack slash" in line and "Enter" in line for line in seat.shown)
    assert not any("has come" in line for line in seat.shown)
    assert seat.shown.count("Knight, with Ada in the saddle") == 1


def test_attacks_are_answered_with_a_line_and_repeat_the_last(simulate: Simulate) -> None:
    """`attack` alone is the one before."""
    seat = one(simulate)
    lines = [*seat.enter("attack bash"), *seat.enter("attack"), *seat.enter("a t"), *seat.enter("a")]

    assert len(lines) == 4
    assert ["bash" in line for line in lines] == [True, True, False, False]
    assert all(line.startswith(("+ Your ", "- ")) for line in lines)


def test_refusals_are_told_as_sentences(simulate: Simulate) -> None:
    """Without the word that is for programs."""
    seat = one(simulate)

    assert seat.enter("heal") == ["! You are unhurt"]
    assert seat.enter("buy axe") == ["! That costs 50 gold, and you have 0"]
    first, second = seat.enter("attack", seconds=0) + seat.enter("attack")
    assert first.startswith(("+", "-"))
    assert second.startswith("! You are out of breath for 0.")
    assert seat.enter("dance") == ["? 'dance' is none of attack, heal, buy, who, look, say, wait, help, quit"]


def test_gold_buys_what_was_asked_for(simulate: Simulate) -> None:
    """And the status shows it."""
    seat = one(simulate)
    seat.gold.amount, seat.health.points = 65, 50

    assert seat.enter("heal") == ["+ You have 70 health now"]
    assert seat.enter("buy lance") == ["+ The lance is yours"]
    assert "70/100" in seat.status()
    assert "gold 0  lance" in seat.status()


def test_lists_show_knights_and_barbarians(simulate: Simulate) -> None:
    """In columns, also with names whose letters are two cells wide."""
    sim = simulate(endless, clients=0)
    seat, other = sit(sim, sim.join("Ada"), sim.join("騎士"))
    sim.server.world.add_component(other.entity, Fallen(sim.server.world.tick + 300))
    sim.run(0.5)
    who, look = seat.enter("who", seconds=0), seat.enter("look", seconds=0)

    assert [line.split()[0] for line in who] == ["knight", "Ada", "騎士"]
    assert "down 5 s" in who[2]
    assert len({get_cwidth(line) for line in who}) == 1
    assert [line.split()[:3] for line in look[1:]] == [
        ["Snorri", "1", "30/30"],
        ["Grimhild", "2", "30/30"],
        ["Ulfgar", "3", "30/30"],
    ]


def test_help_shows_the_odds_of_the_weapon_in_ones_hand(simulate: Simulate) -> None:
    """And every command."""
    seat = one(simulate)
    sword = "\n".join(seat.enter("help"))
    seat.gold.amount = 50
    seat.enter("buy axe")
    axe = "\n".join(seat.enter("help"))

    assert all(word in sword for word in ("attack slash|thrust|bash", "buy sword|axe|lance", "wait SECONDS", "quit"))
    assert "slash              50 %   +10      -5" in sword
    assert "slash            55 %   +10      -5" in axe


def test_one_hears_of_others_and_not_twice_of_oneself(simulate: Simulate) -> None:
    """What one does oneself, the answer tells."""
    sim = simulate(endless, clients=2)
    fighter, watcher = sit(sim)
    while not any("felled" in line for line in watcher.shown):
        fighter.health.points = 100
        fighter.enter("attack")
    fighter.health.points = 1
    while not any("went down" in line for line in watcher.shown):
        mend_barbarians(sim)
        fighter.health.points = 1
        fighter.enter("attack")
    sim.run(6)

    assert sum("felled" in line or "went down" in line for line in fighter.shown) == 0
    assert any(line.endswith("and half of your gold; you are down") for line in fighter.shown)
    assert fighter.shown[-1] == "+ You are on your feet again"
    assert all("player-1" in line for line in watcher.shown if "felled" in line or "went down" in line)


@pytest.mark.slow
def test_one_hears_who_comes_and_goes_and_whose_connection_breaks_off(simulate: Simulate) -> None:
    """Players who come back have not come anew."""
    sim = simulate(endless, clients=1, server_config=ServerConfig(resume_grace_seconds=30))
    [seat] = sit(sim)
    bob = sim.join("Bob")
    sim.run(1)
    sim.cut_off(bob)
    sim.run(15)
    sim.reconnect(bob)
    sim.run(5)
    bob.close(now=sim.now)
    sim.run(1)

    assert [line for line in seat.shown if "Bob" in line] == [
        "* Bob has come",
        "* Bob's connection broke off",
        "* Bob is back",
        "* Bob is gone",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_lost_connection_is_told_and_so_is_that_one_is_back(simulate: Simulate, seed: int) -> None:
    """Meanwhile nothing can be done, and afterwards nobody who stayed is announced."""
    sim = simulate(endless, clients=2, link=Link.POOR, seed=seed, server_config=ServerConfig(resume_grace_seconds=30))
    seat, _ = sit(sim)
    sim.run(1)
    sim.cut_off(seat.client)
    before = len(seat.shown)
    sim.run(4)
    silent = seat.status()
    sim.run_until(lambda: seat.client.status is ClientStatus.LOST, within_seconds=20)
    typed = seat.enter("attack")
    lost = seat.status()
    sim.reconnect(seat.client)
    sim.run_until(lambda: "+ You are back" in seat.shown, within_seconds=20)
    sim.run(1)

    assert "no answer for" in silent
    assert (
        "! The connection is lost: nothing was heard of the other side for too long. Trying to come back" in seat.shown
    )
    assert "? You are not there; one moment" in typed
    assert "connection lost; attempt 1 to come back" in lost
    assert not any("has come" in line or "is gone" in line for line in seat.shown[before:])
    assert seat.enter("attack", seconds=3)[-1].startswith(("+", "-"))
    assert seat.session.is_over is False


def test_the_end_of_the_connection_ends_the_session(simulate: Simulate) -> None:
    """The command line says why."""
    seat = one(simulate)
    seat.sim.server.kick(seat.client.client_id, "enough", now=seat.sim.now)
    seat.sim.run(1)

    assert seat.session.is_over
    assert not seat.session.has_quit


def test_the_race_is_told_from_its_end_to_the_next(simulate: Simulate) -> None:
    """Who has won, how long it takes, that it goes on."""
    seat = one(simulate, game)
    seat.gold.amount = 200
    seat.sim.run(1)
    status, refused = seat.status(), seat.enter("attack")
    seat.sim.run(10)

    assert "* player-1 has won the race with 200 gold" in seat.shown
    assert "player-1 has won; next race in" in status
    assert refused == ["! Player-1 has won; the next race begins in a moment"]
    assert seat.shown[-1] == "* A new race begins"
    assert "gold 0/200" in seat.status()


def test_a_pasted_page_is_refused_beyond_sixteen_lines(simulate: Simulate) -> None:
    """Nobody means that, and the server need not be asked."""
    seat = one(simulate)
    for _ in range(sessions.MAX_UNANSWERED + 3):
        seat.session.enter("attack")
    seat.sim.run(1)
    seat.look()

    assert seat.shown.count("? 16 commands are not answered yet; one moment") == 3
    assert sum(line.startswith("!") for line in seat.shown) == sessions.MAX_UNANSWERED - 1


@pytest.mark.parametrize("line", ["wait -1", "wait x", "wait 3601", "wait 1e9", "wait .", "wait 1.2.3", "wait inf"])
def test_what_is_no_time_is_not_waited_for(simulate: Simulate, line: str) -> None:
    """A script that hangs for ever helps nobody."""
    seat = one(simulate)
    [told] = seat.enter(line)

    assert told.startswith("? ")
    assert seat.session.is_idle


def test_a_script_is_let_on_when_all_is_answered_and_waited_for(simulate: Simulate) -> None:
    """The next line comes after the answer to the one before, and after the time to wait."""
    sim = simulate(endless, clients=1, link=Link(latency_seconds=0.1))
    seat = Seat(sim, sim.clients[0])
    before = seat.session.is_idle
    sim.run(0.2)
    seat.enter("attack", seconds=0.1)
    asked = seat.session.is_idle
    sim.run(0.3)
    answered = seat.session.is_idle
    seat.enter("wait 0.5", seconds=0.4)
    waiting = seat.session.is_idle
    sim.run(0.2)

    assert [before, asked, answered, waiting, seat.session.is_idle] == [False, False, True, False, True]


def test_nothing_a_terminal_would_obey_is_shown(simulate: Simulate) -> None:
    """Whoever runs a server may call a knight what he likes."""
    seat = one(simulate)
    seat.sim.server.world.to(EVERYONE).send(KnightFell(0, "\x1b[2Jx\r\ny", "z\x07"))
    seat.sim.run(0.5)

    assert seat.shown[-1] == "* ?[2Jx??y went down before z?"


def test_what_one_says_all_hear(simulate: Simulate) -> None:
    """The speaker as well: so he knows that it arrived."""
    sim = simulate(endless, clients=2)
    ada, bob = sit(sim)
    told = ada.enter("say Hello,  \udcff you!")

    assert told == ["> player-1: Hello, ? you!"]
    assert bob.shown[-1] == told[0]
    assert ada.enter("say " + "ü" * 121) == ["? Too long, by 2 letters; say it in two lines"]
    assert bob.enter("say \u202e") == ["! There is nothing to say"]


# The status line.


@pytest.mark.parametrize("columns", [20, 30, 40, 50, 60, 70, 80, 120])
def test_the_status_fits_and_leaves_out_what_matters_least(simulate: Simulate, columns: int) -> None:
    """A line that is too long would be broken, and the prompt jump up and down."""
    seat = one(simulate, game)
    status = seat.status(columns)

    assert get_cwidth(status) <= max(columns, 19)
    assert "100/100" in status
    parts = ["ready", "gold 0/200", "barbarians 3/3", "sword", "player-1", " ms"]
    shown = [part in status for part in parts]
    assert shown == sorted(shown, reverse=True)
    assert all(shown) == (columns >= 80)


def test_the_status_says_why_one_cannot_attack(simulate: Simulate) -> None:
    """Out of breath, or on the ground, and for how long."""
    seat = one(simulate)
    ready = seat.status()
    seat.enter("attack", seconds=0.1)
    out_of_breath = seat.status()
    seat.sim.server.world.add_component(seat.entity, Fallen(seat.sim.server.world.tick + 240))
    seat.health.points = 0
    seat.sim.run(0.2)
    down = seat.status()

    assert "ready" in ready
    assert "0.4 s" in out_of_breath
    assert "down 4 s" in down
    assert "0/100" in down


def test_before_the_world_is_there_the_status_says_how_far_it_is(simulate: Simulate) -> None:
    """And what is typed is not lost in silence."""
    sim = simulate(endless, clients=1)
    seat = Seat(sim, sim.join(wait=False))

    assert seat.status() == "  joining 0%"
    assert seat.enter("attack", seconds=0) == ["? You are not there; one moment"]


# Breaking lines.

words = st.text(st.sampled_from("abc 騎"), max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["", "class:win"]), words), max_size=5), st.integers(8, 40))
def test_a_broken_line_fits_and_has_all_its_words(line: Line, columns: int) -> None:
    """Between words where there is room for them; a word longer than a line is left to the terminal."""
    broken = wrapped(line, columns)
    whole = plain(line)
    longest = max((get_cwidth(word) for word in whole.split()), default=0)

    assert "".join("".join(plain(part).split()) for part in broken) == "".join(whole.split())
    if longest + 2 <= columns:
        assert all(get_cwidth(plain(part).rstrip()) <= columns for part in broken)


def test_a_line_that_fits_stays_as_it_is() -> None:
    """With its styles and its spaces."""
    line = [("class:win", "+ "), ("", "  ten  gold")]

    assert plain(wrapped(line, 40)[0]) == "+   ten  gold"
    assert len(wrapped(line, 40)) == 1
