"""The prompt of Knight, on a terminal that is a text: what appears above it, and how it ends."""

import io
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from ecsnet.clock import VirtualClock
from ecsnet.hosting import Host
from ecsnet.runtime import RunningClient
from ecsnet.samples.knight.game import endless
from ecsnet.samples.knight.live import play_live


class Console:
    """A terminal and a client that is welcome already.

    Attributes:
        keys: Types at it.
        written: All that it was told to show, with what moves the cursor.
    """

    def __init__(self, keys: PipeInput) -> None:
        self.keys, self.written = keys, io.StringIO()
        self.client: RunningClient = Host(endless, name="Ada", clock=VirtualClock()).player
        assert self.client.run_until(lambda: self.client.is_ready, within_seconds=5)

    def play(self, *frames: Callable[[], object]) -> None:
        """Play; each frame does one of these in the place of an update."""
        queue = list(frames)

        def update(now: float | None = None) -> None:
            if queue:
                queue.pop(0)()

        self.client.update = update  # type: ignore[method-assign]
        output = Vt100_Output(self.written, lambda: Size(rows=24, columns=60), term="xterm")
        with create_app_session(input=self.keys, output=output):
            play_live(self.client)


@pytest.fixture
def console() -> Iterator[Console]:
    with create_pipe_input() as keys:
        yield Console(keys)


def test_an_error_in_the_game_ends_the_prompt_and_is_raised(console: Console) -> None:
    """It is not told at the prompt while nothing moves any more."""

    def fail() -> None:
        raise RuntimeError("a bug in the game")

    with pytest.raises(RuntimeError, match="a bug in the game"):
        console.play(lambda: None, fail)


def test_what_is_logged_appears_above_the_prompt(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of it, it would tear what is being typed; afterwards it goes where it went before."""
    root, stream = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler(stream)
    monkeypatch.setattr(root, "handlers", [handler])
    console.keys.send_text("quit\r")
    console.play(lambda: logging.getLogger("ecsnet").warning("a wheel came off"))
    logging.getLogger("ecsnet").warning("and was put on")

    assert "! a wheel came off" in console.written.getvalue()
    assert stream.getvalue() == "and was put on\n"
    assert root.handlers == [handler]


def test_lines_are_broken_between_words_at_the_terminals_width(console: Console) -> None:
    """Sixty columns, and the welcome has more."""
    console.keys.send_text("quit\r")
    console.play()

    assert "\n  rich." in console.written.getvalue().replace("\r", "")
