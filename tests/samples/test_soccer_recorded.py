"""A match of soccer between six bots, recorded and rebuilt: the recording is small, and right every second.

The whole five minutes: `.venv/bin/python -m tests.bench.bench_recording`.
"""

import random

import pytest

from ecsnet.bots import make_bot, press
from ecsnet.clock import VirtualClock
from ecsnet.hosting import Host
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.runtime import wait_for
from ecsnet.samples.soccer.components import Match
from ecsnet.samples.soccer.game import game
from tests.recording.film import Film

SECONDS = 12
MOST_BYTES_A_SECOND = 1_000_000 / 300  # five minutes in a megabyte


@pytest.mark.slow
def test_a_match_of_six_is_small_and_the_same_every_second() -> None:
    """Five minutes of it may take a megabyte."""
    film, clock = Film(), VirtualClock()
    host = Host(game, bots=5, seed=7, clock=clock, entropy=random.Random(7).randbytes)
    host.server.record(film.begin)
    bot, end = make_bot(game, 7), clock.now() + SECONDS
    while clock.now() < end:
        press(host.player, bot)
        host.player.update()
        wait_for(host.player, end)
    host.player.leave()
    rebuilt = Rebuilt(film.develop(), host.server.schema)
    checks = list(rebuilt.check())

    assert len(checks) == SECONDS
    assert all(check.is_same for check in checks)
    assert len(film.data) < SECONDS * MOST_BYTES_A_SECOND
    assert rebuilt.world.single(Match).home == host.server.world.single(Match).home
