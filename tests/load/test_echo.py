"""The bare echo: the floor is a floor only if it answers, and every time."""

import threading

import pytest

from ecsnet.load.echo import EchoServer, measure_echo

pytestmark = [pytest.mark.loopback, pytest.mark.slow]


def test_every_question_is_answered(transport: str) -> None:
    """Twice on one server: the second clients may have the addresses of the first."""
    echo = EchoServer(transport)
    threading.Thread(target=echo.run, daemon=True).start()

    for _ in range(2):
        found = measure_echo(transport, echo.port, clients=4, rate_hz=50, warm_seconds=0.1, seconds=0.4)

        assert 4 * 50 * 0.4 * 0.5 < found.count <= 4 * 50 * 0.4 + 4
        assert 0 < found.least <= found.percentile(0.5) < 0.2
