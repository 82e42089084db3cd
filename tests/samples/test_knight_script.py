"""Scripts: every line is run, in order, however fast they come; and none can fill the memory."""

import os

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.hosting import Host
from ecsnet.runtime import RunningClient
from ecsnet.samples.knight.game import endless
from ecsnet.samples.knight.script import MAX_LINE_BYTES, MAX_LINES_AHEAD, play_script


def client() -> RunningClient:
    """Return the client of a host on a virtual clock: waiting takes no time."""
    return Host(endless, name="Ada", clock=VirtualClock()).player


def test_more_lines_than_are_read_ahead_are_all_run_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes faster than the game goes waits at the pipe, and loses nothing."""
    reading, writing = os.pipe()
    count = 3 * MAX_LINES_AHEAD
    os.write(writing, b"".join(b"dance %d\n" % number for number in range(count)))
    os.close(writing)
    play_script(client(), reading)

    echoed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("> ")]
    assert echoed == [f"> dance {number}" for number in range(count)]


def test_a_line_without_an_end_ends_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    """It is no script, and would be kept for ever; the pipe stays open meanwhile."""
    reading, writing = os.pipe()
    os.write(writing, b"who\n" + b"x" * MAX_LINE_BYTES)
    play_script(client(), reading)
    os.close(writing)

    lines = capsys.readouterr().out.splitlines()
    assert "> who" in lines
    assert lines[-1].startswith("? 'xxx")


def test_quit_ends_a_script_before_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows is not run; bytes that are no text do no harm."""
    reading, writing = os.pipe()
    os.write(writing, b"\xff\xfe\r\nquit\nwho\n")
    play_script(client(), reading)
    os.close(writing)

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "> quit"
    assert lines[-2].startswith("? '\N{REPLACEMENT CHARACTER}")
