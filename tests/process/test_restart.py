"""A server dies without a word and comes back: its clients learn it at once, not after a timeout."""

from pathlib import Path

import pytest

from ecsnet import DisconnectReason
from ecsnet.clock import MonotonicClock
from ecsnet.joinlink import JoinLink
from ecsnet.paths import Path as NetworkPath
from ecsnet.runtime import RunningClient, join
from ecsnet.samples.hello.game import game
from ecsnet.testing.network import Link
from ecsnet.virtualpath import ImpairedPath
from tests.process.serving import Server

pytestmark = [pytest.mark.process, pytest.mark.slow]

DELAY_SECONDS = 0.05
RTT_SECONDS = 2 * DELAY_SECONDS
PATIENCE_SECONDS = 10.0


def test_a_killed_server_that_is_back_tells_its_former_clients_within_two_round_trips(tmp_path: Path) -> None:
    """After `kill -9` nobody looks at a frozen picture until the timeout: the client is there again by itself."""
    key = ("--key", str(tmp_path / "server.key"))
    with Server(tmp_path, "hello", "--port", "0", *key) as server:
        client = far_client(server.link)
        assert client.run_until(lambda: client.is_ready, within_seconds=PATIENCE_SECONDS)

    with Server(tmp_path, "hello", "--port", str(server.link.port), *key):
        first_word_at = client.clock.now()  # it did nothing meanwhile, so its next update sends the new server's first
        assert client.run_until(lambda: client.retrying is not None, within_seconds=2 * PATIENCE_SECONDS)
        learned_after = client.clock.now() - first_word_at

        assert client.retrying is not None
        assert client.retrying.lost == (DisconnectReason.SERVER_RESTARTED, DisconnectReason.SERVER_RESTARTED.text)
        assert learned_after <= 2 * RTT_SECONDS
        assert client.run_until(lambda: client.retrying is None and client.is_ready, within_seconds=PATIENCE_SECONDS)
        with far_client(server.link) as again:
            assert again.run_until(lambda: again.is_ready, within_seconds=PATIENCE_SECONDS)


def far_client(link: JoinLink) -> RunningClient:
    """Join over a link whose round trip is known."""

    def via(path: NetworkPath) -> NetworkPath:
        return ImpairedPath(path, Link(latency_seconds=DELAY_SECONDS), seed=1, clock=MonotonicClock())

    return join(game, link, via=via)
