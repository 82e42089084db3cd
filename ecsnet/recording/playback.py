"""Playback: a client that hears a recording instead of a server.

To a game's window it is any `RunningClient`: the same receiver, interpolation and events are at work. It owns nothing
and predicts nothing, so it draws everybody between two known states. Each jump begins with another World, as entering
another room does.
"""

from collections.abc import Iterator
from typing import Any

from ecsnet.admission import Credentials, Introduction
from ecsnet.clock import Clock, MonotonicClock
from ecsnet.components.player import Player
from ecsnet.config import ClientConfig
from ecsnet.conversation import Conversation, Door
from ecsnet.errors import RecordingError, RemoteProtocolError
from ecsnet.events import ClientStatus, Synced
from ecsnet.game import Game
from ecsnet.peer import CALLS
from ecsnet.recording.deck import Deck, DeckClock
from ecsnet.recording.reader import Moment, Recording
from ecsnet.replication.schema import Schema
from ecsnet.rpc import RefusalCode, Reply, Rpc, refused
from ecsnet.runtime import RunningClient
from ecsnet.systems.pipeline import CLIENT
from ecsnet.transport.address import Address
from ecsnet.wire import advance_tick

__all__ = ["Playback"]

LONGEST_FRAME_SECONDS = 0.25  # a window that was dragged goes on where it was
MAX_EVENTS = 4096  # of earlier updates, as a client keeps
ROUNDING = 1e-6  # ticks: of a time that was made from one
NOWHERE: Address = ("recording", 1)


class Silence:
    """A path that leads nowhere."""

    def __init__(self, machine: Clock) -> None:
        """Wait by a clock."""
        self._machine = machine

    def receive(self, _now: float) -> list[tuple[bytes, Address]]:
        """Return nothing."""
        return []

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Drop it."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._machine.sleep(seconds)

    def close(self) -> None:
        """Do nothing."""


class Playback(RunningClient):
    """Shows a recording.

    Attributes:
        recording: What is shown.
        deck: Where it is, and how fast; may be told otherwise at any time.
        follow: The name of a player who is shown as the client's own; empty: none is.
    """

    def __init__(
        self,
        recording: Recording,
        game: Game,
        *,
        follow: str = "",
        deck: Deck | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Begin where the deck is.

        Args:
            deck: None: begin at the beginning.
            clock: By which time passes; `self.clock` runs as the recording is shown.

        Raises:
            RecordingError: It is of another game, or of other components or calls.
        """
        recording.check_game(game, Schema(game))
        machine = clock or MonotonicClock()
        self.recording = recording
        self.deck = deck or Deck(recording.seconds)
        self.follow = follow
        self._machine = machine
        self._updated = machine.now()
        self._door = Door(
            game=game, credentials=Credentials(follow, b"", b""), introduction=Introduction("", "", b""), pins=(),
            config=ClientConfig(), entropy=bytes, pipeline=CLIENT, password_key=None, player_key=None,
        )  # fmt: skip
        self._playing = self._converse()
        super().__init__(
            game, NOWHERE, Silence(machine), name=follow, clock=DeckClock(self.deck, machine), entropy=bytes
        )  # fmt: skip
        self._told: list[object] = []
        self._moments: Iterator[Moment] = iter(())
        self._next: Moment | None = None
        self._jumps = -1  # of the deck, as last followed
        self._is_new = False  # whether the World is another than in the last update

    def __repr__(self) -> str:
        """Show what is shown, and where it is."""
        return f"Playback({self.recording.name!r}, {self.deck!r})"

    @property
    def conversation(self) -> Conversation:
        """What holds the World; another one after each jump."""
        return self._playing

    @property
    def status(self) -> ClientStatus:
        """As of a client that plays."""
        return ClientStatus.CONNECTED

    @property
    def is_ready(self) -> bool:
        """Whether there is something to show; there need be no entity of one's own in it."""
        return self.receiver.synced

    def events(self) -> list[object]:
        """Return and forget what came, went and changed, and the game's events; these only of what was not skipped."""
        events, self._told = self._told, []
        return events

    def call(self, rpc: Rpc[Any, Any], *_: Any, **__: Any) -> Reply[Any]:
        """Refuse: what happens was recorded."""
        return refused(RefusalCode.DISCONNECTED, f"this is a recording: there is no {rpc.name}")

    def enter(self, room: str, password: str = "") -> Reply[None]:  # noqa: ARG002  # as of a client
        """Refuse: there is nowhere to go."""
        return refused(RefusalCode.DISCONNECTED, f"this is a recording: there is no way to {room or 'a room'}")

    def next_deadline(self) -> float:
        """Return when there is something new to show, as `clock` counts."""
        return self.clock.now() + 1.0 / self.game.send_rate_hz

    def leave(self, text: str = "") -> None:
        """Do nothing: nobody is there."""

    def update(self, now: float | None = None) -> None:  # noqa: ARG002  # as of a client
        """Let time pass and show what the deck is at; `now` is not looked at."""
        machine_now = self._machine.now()
        self.deck.advance(min(machine_now - self._updated, LONGEST_FRAME_SECONDS))
        self._updated = machine_now
        del self._told[:-MAX_EVENTS]
        if self._jumps != self.deck.jumps:
            self._jump()
        self._play()
        self._show()

    # Moments.

    def _jump(self) -> None:
        """Begin anew where the deck is now; what was said before that is not said again."""
        self._jumps = self.deck.jumps
        self._moments = self.recording.moments(self.deck.position_seconds)
        for first in self._moments:
            self._hear(first, is_told=False)  # also where the deck is just before it
            break
        self._next = next(self._moments, None)
        self._play(is_told=False)

    def _play(self, *, is_told: bool = True) -> None:
        """Hear all moments that are due."""
        while self._next is not None and self.recording.time_of(self._next.tick) <= self.deck.position_seconds:
            self._hear(self._next, is_told=is_told)
            self._next = next(self._moments, None)

    def _hear(self, moment: Moment, *, is_told: bool) -> None:
        """Apply a moment as if it had arrived when it was due, so that what is drawn moves evenly at any speed."""
        if moment.is_fresh:
            self._told += self._playing.farewell()
            self._playing, self._is_new = self._converse(), True
        session = self._playing.session
        due = self.clock.now() - (self.deck.position_seconds - self.recording.time_of(moment.tick))
        try:
            for message in moment.messages:
                state = session.receiver.take(message)
                session.receiver.apply(state)
                session.renderer.feed(session.receiver, state.tick, due)
        except RemoteProtocolError as error:
            raise RecordingError(f"{self.recording.name}: tick {moment.tick} makes no sense: {error}") from error
        for call in moment.calls if is_told else ():
            session.peer.put(CALLS, call)

    def _show(self) -> None:
        """Bring what is drawn and told up to the present."""
        playing, now = self._playing, self.clock.now()
        session, world = playing.session, playing.world
        session.now = now
        passed = int(self.deck.position_seconds * world.tick_rate_hz + ROUNDING)
        world.tick = advance_tick(self.recording.header.start_tick, passed)
        if self.follow:
            ids = [player.client_id for _, player in world.observe(Player) if player.name == self.follow]
            session.peer.client_id = ids[0] if ids else 0
        session.renderer.advance(now, 1, frame_ticks=1.0, fraction=1.0)
        session.calls.take(now)
        self._told += session.receiver.news.take()
        if self._is_new:
            self._is_new = False
            self._told.append(Synced())
        self._told += session.calls.take_happened()

    def _converse(self) -> Conversation:
        return Conversation(self._door, NOWHERE, now=0.0, ticket=b"", place=("", ""))
