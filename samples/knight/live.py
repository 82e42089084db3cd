"""The terminal of somebody who types: a prompt under which the game goes on, and a line that says how it stands."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import NestedCompleter
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from ecsnet import RunningClient
from ecsnet.samples.knight.commands import COMMANDS
from ecsnet.samples.knight.session import Session
from ecsnet.samples.knight.texts import Line
from ecsnet.stopsignals import stop_signals

__all__ = ["play_live"]

FRAME_SECONDS = 1 / 60
STYLE = Style.from_dict(
    {
        "title": "bold",
        "head": "underline",
        "you": "bold",
        "typed": "ansicyan",
        "win": "ansigreen",
        "loss": "ansired",
        "warn": "ansiyellow",
        "news": "ansibrightblack",
        "bottom-toolbar": "noreverse",
        "label": "ansibrightblack",
        "gold": "ansiyellow",
        "bar.good": "bg:ansigreen ansiblack",
        "bar.fair": "bg:ansiyellow ansiblack",
        "bar.bad": "bg:ansired ansiwhite",
        "bar.empty": "bg:ansibrightblack ansiwhite",
    }
)


def play_live(client: RunningClient) -> None:
    """Let somebody play who sits at the terminal, until it is enough."""
    with stop_signals() as is_stopped, _logs_above_the_prompt():
        asyncio.run(Terminal(client).play(is_stopped))


class Terminal:
    """A client, and the prompt of whoever plays it."""

    def __init__(self, client: RunningClient) -> None:
        """Prepare the prompt."""
        self._client = client
        self._session = Session(client)
        self._status: Line = []
        self._prompt: PromptSession[str] = PromptSession(
            [("class:typed", "> ")],
            style=STYLE,
            completer=NestedCompleter.from_nested_dict(
                {command.word: dict.fromkeys(command.choices) or None for command in COMMANDS}
            ),
            complete_style=CompleteStyle.READLINE_LIKE,  # a menu would keep lines free under the prompt for itself
            placeholder=lambda: [("class:label", f"Enter: attack {self._session.attack.value}")],
            auto_suggest=AutoSuggestFromHistory(),
            bottom_toolbar=lambda: FormattedText(self._status),
            erase_when_done=True,
        )
        self._app = self._prompt.app
        # One prompt for the whole game, not one for each line: so nothing is typed between two of them.
        self._prompt.default_buffer.accept_handler = self._accept

    async def play(self, is_stopped: Callable[[], bool]) -> None:
        """Prompt until the person has had enough, or the game is over."""

        def start() -> None:
            self._app.create_background_task(self._run_game(is_stopped))

        with contextlib.suppress(EOFError, KeyboardInterrupt):
            await self._prompt.prompt_async(pre_run=start)
        self._show_lines()

    async def _run_game(self, is_stopped: Callable[[], bool]) -> None:
        """Update the client once a frame; in the end, or when that fails, end the prompt with it."""
        error: Exception | None = None
        try:
            while not self._session.is_over and not is_stopped():
                self._client.update()
                self._session.frame()
                self._show_lines()
                self._show_status()
                await asyncio.sleep(FRAME_SECONDS)
        except Exception as raised:  # it goes on where the prompt is awaited
            error = raised
        if not self._app.is_done:
            self._app.exit(exception=error or EOFError())

    def _accept(self, buffer: Buffer) -> bool:
        """Do what was typed; nothing typed: attack again."""
        self._session.enter(buffer.text.strip() or "attack")
        return False  # what was typed need not stay

    def _show_lines(self) -> None:
        """Print what has happened above the prompt."""
        lines, self._session.lines = self._session.lines, []
        if lines:
            text = [fragment for line in lines for fragment in (*line, ("", "\n"))]
            print_formatted_text(FormattedText(text), style=STYLE, end="")

    def _show_status(self) -> None:
        status = self._session.status(self._app.output.get_size().columns)
        if status != self._status:
            self._status = status
            self._app.invalidate()


@contextmanager
def _logs_above_the_prompt() -> Iterator[None]:
    """Let what is logged to standard error appear above the prompt, instead of in the middle of it."""
    outside = sys.stderr
    with patch_stdout():
        handlers = [
            each
            for each in logging.getLogger().handlers
            if isinstance(each, logging.StreamHandler) and each.stream is outside
        ]
        for handler in handlers:
            handler.setStream(sys.stderr)
        try:
            yield
        finally:
            for handler in handlers:
                handler.setStream(outside)
