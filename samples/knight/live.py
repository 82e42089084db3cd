"""The terminal of somebody who types: a prompt under which the game goes on, and a line that says how it stands."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.renderer import CPR_Support
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from ecsnet import RunningClient
from ecsnet.samples.knight.commands import completions
from ecsnet.samples.knight.session import Session
from ecsnet.samples.knight.texts import Line, wrapped
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
        "said": "ansicyan",
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
    session = Session(client)
    with stop_signals() as is_stopped, _logs_told_to(session):
        asyncio.run(Terminal(client, session).play(is_stopped))


class CommandCompleter(Completer):
    """Completes commands, and what may follow them."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Yield what the word before the cursor may become."""
        typed = document.text_before_cursor
        for text in completions(typed):
            yield Completion(text, start_position=-len(typed.rpartition(" ")[2]))


class Terminal:
    """A client, and the prompt of whoever plays it."""

    def __init__(self, client: RunningClient, session: Session) -> None:
        """Prepare the prompt."""
        self._client = client
        self._session = session
        self._status: Line = []
        self._prompt: PromptSession[str] = PromptSession(
            lambda: FormattedText([*self._status, ("", "\n"), ("class:typed", "> ")]),
            style=STYLE,
            completer=CommandCompleter(),
            complete_style=CompleteStyle.READLINE_LIKE,  # a menu would keep lines free under the prompt for itself
            placeholder=lambda: [("class:label", f"Enter: attack {self._session.attack.value}")],
            auto_suggest=AutoSuggestFromHistory(),
            erase_when_done=True,
        )
        self._app = self._prompt.app
        # Not to ask the terminal where the cursor is: not all answer, and lines are printed before the answer is there.
        # For the same reason the status is above the prompt: at the bottom it would have to be known where that is.
        self._app.renderer.cpr_support = CPR_Support.NOT_SUPPORTED
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
        lines = [part for line in self._session.take_lines() for part in wrapped(line, self._columns)]
        if lines:
            # Not by `run_in_terminal`: it lets the terminal echo meanwhile, which shows keys in the wrong place.
            self._app.renderer.erase()
            self._app.print_text(FormattedText(fragment for line in lines for fragment in (*line, ("", "\n"))), STYLE)
            self._app.invalidate()

    @property
    def _columns(self) -> int:
        return self._app.output.get_size().columns

    def _show_status(self) -> None:
        status = self._session.status(self._columns)
        if status != self._status:
            self._status = status
            self._app.invalidate()


class LogLines(logging.Handler):
    """Tells what is logged above the prompt, instead of in the middle of it."""

    def __init__(self, session: Session) -> None:
        """Tell a session."""
        super().__init__()
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a record."""
        self._session.note(self.format(record))


@contextmanager
def _logs_told_to(session: Session) -> Iterator[None]:
    """Take the place of the handlers that write to standard error."""
    root = logging.getLogger()
    before = list(root.handlers)
    others = [each for each in before if getattr(each, "stream", None) is not sys.stderr]
    root.handlers[:] = [*others, LogLines(session)]
    try:
        yield
    finally:
        root.handlers[:] = before
