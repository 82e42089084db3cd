"""Rebuilt: a World made anew from a recording, moment by moment, without anybody to show it to."""

from collections.abc import Iterator
from typing import NamedTuple

from ecsnet.components.player import Player
from ecsnet.errors import RecordingError, RemoteProtocolError
from ecsnet.recording.reader import Moment, Recording
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.witness import fingerprint_of_replica
from ecsnet.world import World

__all__ = ["Checked", "Rebuilt"]


class Checked(NamedTuple):
    """What came of one comparison with what the server had."""

    seconds: float
    is_same: bool


class Rebuilt:
    """Follows a recording.

    Attributes:
        world: As the server's was, in entities of its own.
        receiver: Knows the server's numbers of these.
        moment: The last that was applied; None before.
    """

    def __init__(self, recording: Recording, schema: Schema) -> None:
        """Begin before the first moment.

        Raises:
            RecordingError: It is of another game, or of other components or calls.
        """
        recording.check_game(schema.game, schema)
        self._recording = recording
        self._schema = schema
        self.moment: Moment | None = None
        self._begin()

    def __repr__(self) -> str:
        """Show where it is."""
        return f"Rebuilt({self._recording.name!r}, tick={self.world.tick}, {self.receiver!r})"

    def _begin(self) -> None:
        self.world = World(tick_rate_hz=self._schema.game.tick_rate_hz)
        self.receiver = Receiver(self._schema, self.world)

    def run(self, since_seconds: float = 0.0) -> Iterator[Moment]:
        """Apply moment after moment, from the last on that is whole and not after a time; yield each when it is there.

        Raises:
            RecordingError: Nothing is damaged, and yet it is no recording of this game.
        """
        for moment in self._recording.moments(since_seconds):
            if moment.is_fresh:
                self._begin()
            self._apply(moment)
            yield moment

    def players(self) -> list[str]:
        """Look through all of it, and return the names of the players who were there for a while, in order."""
        names: dict[str, None] = {}
        for moment in self._recording.landmarks():
            self._begin()
            self._apply(moment)
            names.update({player.name: None for _, player in self.world.observe(Player)})
        return list(names)

    def _apply(self, moment: Moment) -> None:
        try:
            for message in moment.messages:
                self.receiver.apply(self.receiver.take(message))
        except RemoteProtocolError as error:
            raise RecordingError(f"{self._recording.name}: tick {moment.tick} makes no sense: {error}") from error
        self.world.tick, self.moment = moment.tick, moment

    def has_player(self, name: str) -> bool:
        """Look through all of it, moment by moment, for a player who may have been there for a short time only."""
        return any(player.name == name for _ in self.run() for _, player in self.world.observe(Player))

    def fingerprint(self) -> bytes:
        """Return what all there is comes to."""
        return fingerprint_of_replica(self.receiver, self._schema, self.world)

    def check(self) -> Iterator[Checked]:
        """Compare with what the server had, each time the recording says so: about once a second."""
        for moment in self.run():
            if moment.check is not None:
                yield Checked(self._recording.time_of(moment.tick), moment.check == self.fingerprint())
