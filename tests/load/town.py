"""A server and a crowd on one virtual clock, over a virtual network: what is counted can be known beforehand."""

import random
from collections.abc import Callable, Sequence

from ecsnet.bots import Wanderer
from ecsnet.clock import VirtualClock
from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.game import Game
from ecsnet.load.crowd import Crowd
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.member import BotPart, CrowdClient, Member, Part
from ecsnet.paths import Path
from ecsnet.runtime import RunningServer
from ecsnet.systems.pipeline import CLIENT, LIGHT_CLIENT
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import DatagramAddress
from ecsnet.transport.identity import Identity
from ecsnet.virtualpath import MemoryPath

SERVER: DatagramAddress = ("server", 1)


class Town:
    """Where a crowd meets. It is its crowd's `Group`: while everybody waits, the server runs.

    Attributes:
        at_once: The most handshakes that were under way.
    """

    def __init__(
        self,
        game: Game,
        count: int,
        *,
        link: Link = Link.PERFECT,
        full: bool = False,
        config: ServerConfig | None = None,
        part: Callable[[int], Part] | None = None,
    ) -> None:
        self.clock = VirtualClock(1000.0)
        self.network = VirtualNetwork(seed=1, link=link)
        self.game = game
        self.at_once = 0
        self.members: list[Member] = []
        self._entropy = random.Random(1).randbytes
        self._pipeline = CLIENT if full else LIGHT_CLIENT
        self._part = part or (lambda number: BotPart(Wanderer(game, number)))
        identity = Identity.generate(self._entropy)
        path = MemoryPath(self.network, SERVER, self.clock.sleep)
        self.server = RunningServer(game, identity, path, clock=self.clock, entropy=self._entropy, config=config)
        self.crowd = Crowd(count, self.enter, self, clock=self.clock, joining_at_once=4)

    def enter(self, number: int) -> Member:
        path = MemoryPath(self.network, (f"10.0.0.{number}", 1), self.clock.sleep)
        client = CrowdClient(
            self.game, SERVER, path, name=f"bot {number}", clock=self.clock, entropy=self._entropy,
            pipeline=self._pipeline, config=ClientConfig(retry_seconds=0.0),
        )  # fmt: skip
        self.members.append(Member(client, self._part(number), path))
        return self.members[-1]

    def wait(self, seconds: float) -> Sequence[Path]:
        for member in self.members:
            if member.has_left:
                member.path.close()  # what is still on its way there
        times = [self.clock.now() + max(0.0, seconds), self.network.next_arrival(), self.server.next_deadline()]
        until = min(time for time in times if time is not None)
        self.clock.advance(max(0.0, until - self.clock.now()))
        self.server.update()
        self.at_once = max(self.at_once, sum(not member.is_decided for member in self.members))
        return [member.path for member in self.members if not member.has_left]

    def close(self) -> None:
        pass

    def run(self, seconds: float) -> CrowdFigures:
        """Let the crowd come, and stay for some time."""
        end = self.clock.now() + seconds
        return self.crowd.run(lambda _: self.clock.now() >= end)
