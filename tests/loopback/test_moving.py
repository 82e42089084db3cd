"""From room to room and back after a loss, over real sockets: another connection beside the one there is."""

import random
from collections.abc import Callable, Generator

import pytest

from ecsnet.clock import MonotonicClock
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.events import ClientStatus
from ecsnet.joinlink import JoinLink
from ecsnet.paths import open_path
from ecsnet.protocol import DisconnectReason
from ecsnet.runtime import RunningClient, RunningServer, join
from ecsnet.samples.hello.game import game
from ecsnet.systems.hall import HALL, create_room
from ecsnet.transport.identity import Identity

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

SECONDS = 10.0  # patience


class Table:
    """A server with rooms and one client, in one thread."""

    def __init__(self, transport: str) -> None:
        identity = Identity.generate(random.Random(1).randbytes)
        path = open_path("both", 0)
        config = ServerConfig(rooms=RoomConfig(), resume_grace_seconds=20.0)
        self.server = RunningServer(game, identity, path, config=config)
        link = JoinLink("127.0.0.1", path.address[1], (identity.public,), transport)
        self.client: RunningClient = join(game, link, name="ada", room=HALL)

    def run_until(self, condition: Callable[[], object]) -> None:
        clock = MonotonicClock()
        end = clock.now() + SECONDS
        while not condition():
            assert clock.now() < end, f"{self.client} {self.server}"
            self.server.update()
            self.client.update()
            clock.sleep(0.002)

    def close(self) -> None:
        self.client.path.close()
        self.server.path.close()


@pytest.fixture(params=["udp", "tcp"])
def table(request: pytest.FixtureRequest) -> Generator[Table, None, None]:
    opened = Table(request.param)
    yield opened
    opened.close()


def test_a_client_goes_from_room_to_room_and_comes_back_after_a_loss(table: Table) -> None:
    """Each time it is one player with one connection, and nothing of the ones before is left on either side."""
    server, client = table.server, table.client
    table.run_until(lambda: client.is_ready)
    for _ in range(3):
        made = client.call(create_room, "a room")
        table.run_until(lambda made=made: made.done)  # type: ignore[misc]  # bound at once
        client.enter(made.value)
        table.run_until(lambda made=made: client.room is not None and client.room.code == made.value)  # type: ignore[misc]
        assert len(server.peers) == 1
        client.enter(HALL)
        table.run_until(lambda: client.room is None and client.is_ready)
    made = client.call(create_room)
    table.run_until(lambda: made.done)
    client.enter(made.value)
    table.run_until(lambda: client.room is not None and client.is_ready)
    number = client.client_id
    for peer in list(server.peers.values()):
        peer.connection.close(DisconnectReason.CONNECTION_LOST, now=server.clock.now())
    table.run_until(lambda: client.status is ClientStatus.LOST)
    table.run_until(lambda: client.status is ClientStatus.CONNECTED and client.is_ready)

    assert client.client_id == number
    assert client.room is not None
    assert client.room.code == made.value
    table.run_until(lambda: len(server._endpoint.connections) == 1)
    client.close(now=client.clock.now())
    table.run_until(lambda: not server.peers)
