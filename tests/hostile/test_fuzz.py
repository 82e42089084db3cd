"""A little of `python -m tests.fuzz` in every run of the tests, and the proof that it would find something."""

import random

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet.transport import packet
from tests.fuzz import engine
from tests.fuzz.__main__ import main
from tests.fuzz.frames import FRAMES
from tests.fuzz.targets import CLOSING, CONNECTED, PENDING, TARGETS, Frames

INPUTS = 200

# A packet's inside: some frames of the table, each by a chance of its own, and a few bytes behind them.
INSIDES = st.builds(
    lambda frames, rest: b"".join([FRAMES[name](random.Random(seed)) for name, seed in frames])[:1150] + rest,
    st.lists(st.tuples(st.sampled_from(sorted(FRAMES)), st.integers(0, 1 << 16)), max_size=6),
    st.binary(max_size=4),
)


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run_of_every_target_finds_nothing(name: str) -> None:
    """A million inputs take minutes; a few hundred of each kind take none."""
    entry = TARGETS[name]
    report = engine.run(entry, round(INPUTS * min(1.0, entry.share**2)), seed=2)  # slow ones yet fewer

    assert [failure.what for failure in report.failures] == []


@pytest.mark.parametrize("state", [PENDING, CONNECTED, CLOSING])
@pytest.mark.parametrize("is_client", [True, False])
@settings(max_examples=20, deadline=None)
@given(packets=st.lists(INSIDES.filter(bool), min_size=1, max_size=8))
def test_any_frames_of_a_peer_with_true_keys_are_borne(*, state: str, is_client: bool, packets: list[bytes]) -> None:
    """Whatever it seals, it is taken or it ends the connection; nothing raises, whichever state it is in."""
    target = Frames(state, is_client=is_client)
    for plaintext in packets:
        if not target.feed(plaintext):
            break


def test_every_frame_there_is_has_its_builder() -> None:
    """A frame type that `packet.py` packs and the table lacks would never be fuzzed."""
    chance = random.Random(0)
    built = {FRAMES[name](chance)[0] for name in FRAMES if name != "raw" for _ in range(50)}
    packed = {value for name, value in vars(packet).items() if name in FRAME_TYPES}

    assert packed <= built | {packet.MESSAGE, packet.FRAGMENT}
    assert any(packet.FRAGMENT > first >= packet.MESSAGE for first in built)
    assert any(first >= packet.FRAGMENT for first in built)


FRAME_TYPES = {"PAD", "PING", "ACK", "CLOSE", "PATH_CHALLENGE", "PATH_RESPONSE", "CREDIT", "MESSAGE", "FRAGMENT"}


# The engine.


class Fragile:
    """Fails at its third input that contains an X."""

    def __init__(self) -> None:
        self._seen = 0

    def feed(self, data: bytes) -> bool:
        self._seen += b"X" in data
        if self._seen == 3:
            raise IndexError("three of them")
        return True


class Slow:
    """Takes a while for what begins with a zero."""

    def feed(self, data: bytes) -> bool:
        return not data.startswith(b"\0") or sum(range(200_000)) > 0


def test_what_raises_is_found_cut_down_and_fails_again() -> None:
    """The session shrinks to the inputs it takes, the inputs to the bytes."""
    entry = engine.Entry(Fragile, lambda chance: chance.choice((b"nothing", b"X and more", b"aXb", b"")))
    report = engine.run(entry, 1000, seed=1)

    assert len(report.failures) == engine.MAX_FAILURES
    for failure in report.failures:
        assert "IndexError: three of them" in failure.what
        assert sum(b"X" in data for data in failure.inputs) == 3
        assert len(failure.inputs) == 3
        assert "three of them" in engine.replay(entry, failure.inputs)


def test_what_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the time of this process, not of the machine; and only if it hangs again."""
    monkeypatch.setattr(engine, "HANG_SECONDS", 0.001)
    entry = engine.Entry(Slow, lambda chance: bytes((chance.randrange(8),)))
    report = engine.run(entry, 40, seed=1)

    assert report.failures
    assert "ms" in report.failures[0].what


def test_a_failure_is_replayed_by_the_command_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """As hex on the command line, an empty input as a dash."""
    monkeypatch.setitem(TARGETS, "link", engine.Entry(Fragile, lambda _: b"X"))
    found = CliRunner().invoke(main, ["--target", "link", "--inputs", "10"])
    again = CliRunner().invoke(main, ["replay", "link", "58", "-", "58", "58"])
    fine = CliRunner().invoke(main, ["replay", "link", "58", "-"])

    assert "python -m tests.fuzz replay 'link' 58 58 58" in found.output
    assert (found.exit_code, again.exit_code, fine.exit_code) == (1, 1, 0)
    assert "three of them" in again.output
