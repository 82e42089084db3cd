"""A plan for a crowd: how many join which server, as what; it can be divided among processes."""

from dataclasses import dataclass, field, replace

from ecsnet import game as games
from ecsnet.bots import Wanderer, make_bot
from ecsnet.clock import MonotonicClock
from ecsnet.config import ClientConfig, HandshakeConfig
from ecsnet.game import Game
from ecsnet.load.crowd import Crowd
from ecsnet.load.member import BotPart, CrowdClient, Member
from ecsnet.paths import Path, PathGroup
from ecsnet.runtime import find_route
from ecsnet.systems.pipeline import CLIENT, LIGHT_CLIENT
from ecsnet.testing.network import Link
from ecsnet.virtualpath import ImpairedPath

__all__ = ["CrowdPlan", "crowd_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CrowdPlan:
    """Who joins which server. It travels to other processes, so a game is its name here.

    Attributes:
        count: How many clients.
        first: The number of the first of them, in names and seeds.
        input_rate_hz: Input messages of each a second.
        room: The code of the room to enter; empty: what the link says, or where there is a place.
        full: With a World, prediction and the game's own bot; else light ones, which press keys at random.
        joining_at_once: Most handshakes under way.
    """

    link: str
    game: str
    count: int
    first: int = 0
    input_rate_hz: float = ClientConfig().input_rate_hz
    full: bool = False
    room: str = ""
    transport: str | None = None
    condition: Link = Link.PERFECT
    password: str = field(default="", repr=False)
    seed: int = 0
    joining_at_once: int = HandshakeConfig().max_pending_per_network

    def shares(self, processes: int) -> list["CrowdPlan"]:
        """Divide it among processes, as evenly as it goes; those without a client are left out."""
        counts = [self.count // processes + (number < self.count % processes) for number in range(processes)]
        return [
            replace(
                self,
                count=count,
                first=self.first + sum(counts[:number]),
                joining_at_once=max(1, self.joining_at_once // processes),
            )
            for number, count in enumerate(counts)
            if count
        ]


class Entrance:
    """Makes the members of a plan, one after the other."""

    def __init__(self, plan: CrowdPlan, group: PathGroup) -> None:
        """Load the game.

        Raises:
            SchemaError: There is no such game.
        """
        self._plan = plan
        self._group = group
        self._game: Game = games.load(plan.game)
        self._clock = MonotonicClock()
        # Who loses its connection has not stayed; to come back would hide it.
        self._config = ClientConfig(input_rate_hz=plan.input_rate_hz, retry_seconds=0.0)

    def enter(self, number: int) -> Member:
        """Start to join.

        Raises:
            LinkError: The link cannot be understood, or there is no such host.
        """
        plan, number = self._plan, self._plan.first + number
        route = find_route(plan.link, transport=plan.transport, group=self._group)
        path: Path = route.path
        if plan.condition != Link.PERFECT:
            path = ImpairedPath(path, plan.condition, seed=plan.seed + number, clock=self._clock)
        client = CrowdClient(
            self._game, route.address, path, name=f"bot {number + 1}", pins=route.pins, trust=route.trust,
            clock=self._clock, config=self._config, password=plan.password, room=plan.room or route.room,
            pipeline=CLIENT if plan.full else LIGHT_CLIENT,
        )  # fmt: skip
        make = make_bot if plan.full else Wanderer
        return Member(client, BotPart(make(self._game, plan.seed + number)), route.path)


def crowd_of(plan: CrowdPlan) -> Crowd:
    """Return the crowd that does what a plan says, in this process.

    Raises:
        SchemaError: There is no such game.
    """
    group = PathGroup()
    enter = Entrance(plan, group).enter
    return Crowd(plan.count, enter, group, clock=MonotonicClock(), joining_at_once=plan.joining_at_once)
