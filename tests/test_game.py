"""The manifest of a game: what is kept, what is refused, and how a game is found by name."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import ModuleType

import esper
import pytest

from ecsnet.errors import SchemaError
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game, load
from ecsnet.gameevent import event
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.system import System, is_predicted
from ecsnet.world import World


@player_input
class Move:
    """What is pressed."""

    dx: int = netvar(0, low=-1, high=1)


@player_input
class OtherMove:
    """Another game's."""

    dx: int = netvar(0, low=-1, high=1)


@component
class Health:
    """How well."""

    points: NetVar[int] = 100


@event
class Dawn:
    """It is light."""


class Steer(System):
    """Runs on both sides."""

    predicted = True

    def process(self, world: World) -> None:
        """Do nothing."""


class Old(esper.Processor):
    """One of esper's."""

    def process(self, world: World) -> None:
        """Do nothing."""


class Needy(System):
    """Cannot be made without arguments."""

    def __init__(self, speed: float) -> None:
        """Keep the speed."""
        self.speed = speed

    def process(self, world: World) -> None:
        """Do nothing."""


class Idle(System):
    """Has forgotten what it does."""


@rpc(to=SERVER)
def attack(call: Call, kind: str) -> None:
    """Do nothing."""


def test_a_game_keeps_its_parts() -> None:
    """Lists become tuples, the input joins the components, nothing can be set afterwards."""
    game = Game(
        "hello", input=Move, components=[Health], systems=[Steer, Old], rpcs=[attack], tick_rate_hz=60, send_rate_hz=20
    )

    assert game.components == (Health, Move)
    assert game.systems == (Steer, Old)
    assert game.rpcs == (attack,)
    assert [is_predicted(system) for system in game.systems] == [True, False]
    assert repr(game) == "Game('hello': 2 components, 2 systems, 1 rpcs, 60 Hz)"
    with pytest.raises(FrozenInstanceError):
        game.max_clients = 3  # type: ignore[misc]  # frozen, that is the point


def test_a_variant_is_made_by_replace() -> None:
    """As tests do, to let fewer in or tick slower."""
    game = Game("hello", input=Move, components=[Health, Move])

    small = replace(game, max_clients=2)

    assert (small.max_clients, small.components, small.name) == (2, (Health, Move), "hello")


def test_the_application_id_follows_from_the_name() -> None:
    """Not from the parts: another version of a game is refused with a reason, another game without."""
    first, second, other = Game("hello"), Game("hello", components=[Health]), Game("hullo")

    assert first.application_id == second.application_id != other.application_id
    assert len(first.application_id) == 16


def namesake() -> type:
    """Return another component that is named Health."""

    @component
    class Health:
        """Another's."""

    return Health


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: Game(""), "a game's name has 1 to 64 printable characters"),
    (lambda: Game("x\n"), "printable"),
    (lambda: Game("g", components=Health), "components=<class"),  # type: ignore[arg-type]
    (lambda: Game("g", components=[Health, Health]), "Game('g'): Health is listed twice"),
    (lambda: Game("g", components=[Health, namesake()]), "two components are named Health"),
    (lambda: Game("g", components=[Steer]), "components: test_game.py: Steer: not a component; decorate"),
    (lambda: Game("g", components=[Health()]), "give the class, not an instance"),  # type: ignore[list-item]
    (lambda: Game("g", components=[Move]), "Move is a @player_input; give it as input="),
    (lambda: Game("g", input=Move, components=[OtherMove]), "OtherMove is a @player_input"),
    (lambda: Game("g", input=Health), "input=Health is a plain component; declare it @player_input"),
    (lambda: Game("g", input=Steer), "input: test_game.py: Steer: not a component"),
    (lambda: Game("g", systems=[Steer()]), "systems lists classes, not"),  # type: ignore[list-item]
    (lambda: Game("g", systems=[Steer, Steer]), "test_game.py: Steer: is listed twice"),
    (lambda: Game("g", systems=[Needy]), "Needy: is made without arguments, but missing a required argument: 'speed'"),
    (lambda: Game("g", systems=[Idle]), "Idle: a system has process(self, world)"),
    (lambda: Game("g", systems=[int]), "a system has process(self, world)"),  # type: ignore[list-item]
    (lambda: Game("g", rpcs=[print]), "is no remote call; declare it with @rpc(to=...)"),  # type: ignore[list-item]
    (lambda: Game("g", rpcs=[attack, attack]), "two remote calls are named attack"),
    (lambda: Game("g", events=[Health]), "is no event; list classes declared with @event"),
    (lambda: Game("g", events=[Dawn()]), "events: Dawn() is no event"),  # type: ignore[list-item]
    (lambda: Game("g", events=[Dawn, Dawn]), "two remote calls or events are named Dawn"),
    (lambda: Game("g", tick_rate_hz=60, send_rate_hz=25), "send_rate_hz=25 does not divide tick_rate_hz=60"),
    (lambda: Game("g", tick_rate_hz=20), "send_rate_hz=30 does not divide tick_rate_hz=20"),
    (lambda: Game("g", tick_rate_hz=0), "tick_rate_hz=0 is outside 0..1000"),
    (lambda: Game("g", send_rate_hz=float("nan")), "send_rate_hz=nan is outside"),
    (lambda: Game("g", max_clients=0), "max_clients=0 is outside 1..65535"),
    (lambda: Game("g", resume_grace_seconds=-1), "resume_grace_seconds=-1 is no time; 0 keeps no places"),
    (lambda: Game("g", help=print), "help=<built-in function print> must be a text"),  # type: ignore[arg-type]
    (lambda: Game("g", window="window.py"), "window='window.py' must look like \"package.module:name\""),
    (lambda: Game("g", bot="a.b:C.d"), "bot='a.b:C.d' must look like"),
    (lambda: Game("g", terminal="terminal.py"), "terminal='terminal.py' must look like \"package.module:name\""),
    (lambda: Game("g", window=print), "window=<built-in function print> must look like"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("mistake", "text"), MISTAKES, ids=[text for _, text in MISTAKES])
def test_parts_that_do_not_fit_are_told(mistake: Callable[[], object], text: str) -> None:
    """Which part of which game, and what to do."""
    with pytest.raises(SchemaError) as caught:
        mistake()

    assert text in str(caught.value)


@pytest.mark.parametrize("send_rate_hz", [60, 30, 20, 12, 7.5, 1])
def test_rates_that_divide_are_accepted(send_rate_hz: float) -> None:
    """Also when they are no whole numbers."""
    assert Game("g", tick_rate_hz=60, send_rate_hz=send_rate_hz).send_rate_hz == send_rate_hz


# Finding a game


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder from which modules can be imported, and forget them afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    known = dict(sys.modules)
    yield tmp_path
    for name in sys.modules.keys() - known.keys():
        del sys.modules[name]


GAME = "from ecsnet.game import Game\ngame = Game('duel')\nlarge = Game('large duel')\nnumber = 3\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [("duel", "duel"), ("fights.duel", "duel"), ("duel:large", "large duel"), ("fights.duel:large", "large duel")],
)
def test_a_game_is_found_by_module_and_attribute(folder: Path, path: str, name: str) -> None:
    """The attribute is `game` unless said."""
    (folder / "fights").mkdir()
    for file in ("duel.py", "fights/__init__.py", "fights/duel.py"):
        (folder / file).write_text(GAME)

    assert load(path).name == name


def test_a_sample_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`soccer` is short for ecsnet.samples.soccer.game."""
    package, module = ModuleType("ecsnet.samples.duel"), ModuleType("ecsnet.samples.duel.game")
    package.__path__ = []
    vars(module)["game"] = Game("a sample")
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    assert load("duel").name == "a sample"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nowhere", "there is no game 'nowhere': no module ecsnet.samples.nowhere.game or nowhere; is its folder"),
        ("nowhere", "or installed? Samples are hello, knight, soccer."),
        ("no.where.game", "no module no.where.game; is its folder the current one, or installed?"),
        ("duel.py", "'duel.py' is no module name; give it with dots, without .py, like 'duel'"),
        ("./fights/duel.py", "like 'fights.duel'"),
        ("", "like 'mygame.game'"),
        ("duel:number", "'duel:number': duel.number is a int, not a Game; it has game, large: write duel:game"),
        ("duel:none", "duel.none is nothing, not a Game; it has game, large"),
        ("empty", "empty.game is nothing, not a Game; write game = Game(...)"),
        ("melee", "'melee' is a folder, and its game in melee.game: write melee.game"),
        ("void", "void.game is nothing, not a Game; write game = Game(...)"),
    ],
)
def test_what_is_not_found_is_told(folder: Path, path: str, text: str) -> None:
    """What was looked for, what is there instead, what to write."""
    (folder / "duel.py").write_text(GAME)
    (folder / "empty.py").write_text("")
    for package in ("melee", "void"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("")
    (folder / "melee" / "game.py").write_text(GAME)

    with pytest.raises(SchemaError) as caught:
        load(path)

    assert text in str(caught.value)


@pytest.mark.parametrize(("source", "error"), [("import nosuchthing", ImportError), ("1 / 0", ZeroDivisionError)])
def test_a_mistake_inside_the_module_is_shown_as_it_is(folder: Path, source: str, error: type[Exception]) -> None:
    """A game that fails to import is not the same as no game."""
    (folder / "broken.py").write_text(source)

    with pytest.raises(error):
        load("broken")
