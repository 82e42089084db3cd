"""A server that notes what its ticks take: `python -m tests.process.timedserver GAME FILE`. SIGTERM ends it."""

import json
import os
import resource
import sys
import time
from pathlib import Path

from ecsnet import game as games
from ecsnet.paths import UdpPath
from ecsnet.runtime import RunningServer
from ecsnet.transport.identity import Identity
from ecsnet.udp import UdpSocket
from ecsnet.wire import tick_difference


class TimedServer(RunningServer):
    """A server that notes every pass in which ticks ran.

    Attributes:
        passes: When (monotonic), how many ticks, the pass's seconds (elapsed, and of the processor), and how often
            another program took the processor in it.
    """

    passes: list[tuple[float, int, float, float, int]]

    def update(self, now: float | None = None) -> None:
        """Do one pass, and note it if there was a tick in it."""
        before, taken, elapsed, used = self.world.tick, times_taken(), time.perf_counter(), time.process_time()
        super().update(now)
        ticks = tick_difference(self.world.tick, before)
        if ticks:
            took = time.perf_counter() - elapsed, time.process_time() - used
            self.passes.append((time.monotonic(), ticks, *took, times_taken() - taken))


def times_taken() -> int:
    """Return how often another program has taken the processor from this one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def main(game_name: str, file: Path) -> None:
    """Serve, then write down what was noted."""
    identity = Identity.generate(os.urandom)
    socket = UdpSocket.listen(0)
    server = TimedServer(games.load(game_name), identity, UdpPath(socket))
    server.passes = []
    print(f"port {socket.address[1]}")  # noqa: T201  # a command's output
    server.run()
    file.write_text(json.dumps(server.passes))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
