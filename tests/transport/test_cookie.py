"""The cookie: good for one address, one attempt, ten seconds, and nothing else."""

import random

import pytest

from ecsnet.config import HandshakeConfig
from ecsnet.transport.cookie import CookieJar

HERE = ("192.0.2.1", 4000)
ATTEMPT = b"attempt1"


def jar(seed: int = 0) -> CookieJar:
    return CookieJar(entropy=random.Random(seed).randbytes, config=HandshakeConfig())


@pytest.mark.parametrize("now", [0.0, 7.25, 4294967.0, 1e9])
def test_a_cookie_is_known_for_ten_seconds(now: float) -> None:
    """At any time of the server's clock, also where 32 bits of milliseconds wrap."""
    kitchen = jar()
    issued, cookie = kitchen.bake(HERE, ATTEMPT, now)

    assert kitchen.knows(cookie, HERE, ATTEMPT, issued, now)
    assert kitchen.knows(cookie, HERE, ATTEMPT, issued, now + 9.99)
    assert not kitchen.knows(cookie, HERE, ATTEMPT, issued, now + 10.1)


def test_any_other_bit_address_port_attempt_or_time_is_unknown() -> None:
    """Each part is signed; nothing can be moved from one part to the next."""
    kitchen = jar()
    issued, cookie = kitchen.bake(HERE, ATTEMPT, 3.0)
    for bit in range(128):
        forged = bytearray(cookie)
        forged[bit // 8] ^= 1 << bit % 8
        assert not kitchen.knows(bytes(forged), HERE, ATTEMPT, issued, 3.0)

    assert not kitchen.knows(cookie, ("192.0.2.2", 4000), ATTEMPT, issued, 3.0)
    assert not kitchen.knows(cookie, ("192.0.2.1", 4001), ATTEMPT, issued, 3.0)
    assert not kitchen.knows(cookie, ("192.0.2.", 14000), ATTEMPT, issued, 3.0)
    assert not kitchen.knows(cookie, HERE, b"attempt2", issued, 3.0)
    assert not kitchen.knows(cookie, HERE, ATTEMPT, (issued - 1) % (1 << 32), 3.0)
    assert not kitchen.knows(cookie, HERE, ATTEMPT, (issued + 1) % (1 << 32), 3.0), "nor one from the future"
    assert not kitchen.knows(cookie[:15], HERE, ATTEMPT, issued, 3.0)


def test_another_server_s_cookie_is_unknown() -> None:
    """Secrets are random for each server and each start."""
    issued, cookie = jar(1).bake(HERE, ATTEMPT, 0.0)

    assert not jar(2).knows(cookie, HERE, ATTEMPT, issued, 0.0)


def test_a_cookie_survives_one_change_of_secret() -> None:
    """One baked a moment before the change is good for its full time."""
    kitchen = jar()
    kitchen.bake(HERE, ATTEMPT, 0.0)
    issued, cookie = kitchen.bake(HERE, ATTEMPT, 59.9)
    renewed, other = kitchen.bake(HERE, ATTEMPT, 60.1)

    assert kitchen.knows(cookie, HERE, ATTEMPT, issued, 60.2)
    assert kitchen.knows(other, HERE, ATTEMPT, renewed, 60.2)


def test_the_secret_does_change() -> None:
    """Else one leak would be for ever: after two changes even the right hash at the right time is nothing."""
    kitchen, frozen = jar(), jar()
    for now in (0.0, 60.0, 120.0):
        kitchen.bake(HERE, ATTEMPT, now)
    issued, cookie = frozen.bake(HERE, ATTEMPT, 120.0)  # the same seed: what the first secret would sign now

    assert not kitchen.knows(cookie, HERE, ATTEMPT, issued, 120.0)


def test_the_issue_time_does_not_tell_the_uptime() -> None:
    """It counts from a random start."""
    first, second = (jar(seed).bake(HERE, ATTEMPT, 0.0)[0] for seed in (1, 2))

    assert first != second
    assert 0 not in (first, second)
