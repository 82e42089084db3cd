"""Cloakroom: where who comes waits until its saves are there, so that nobody begins with empty hands and keeps them."""

from collections.abc import Iterator
from dataclasses import dataclass

from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import Guest, No
from ecsnet.sessions import Sessions
from ecsnet.systems.keeper import Keeping
from ecsnet.transport.connection import Connection

__all__ = ["NO_SAVES", "Cloakroom", "Waiting"]

LOOK_SECONDS = 0.01  # reading takes a millisecond
NO_SAVES = No(DisconnectReason.REFUSED, "the server cannot look up what it keeps of you at the moment, try again")


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """Somebody who may come in.

    Attributes:
        is_asked: It came by way of the lounge, and waits for its welcome there.
    """

    connection: Connection
    guest: Guest
    is_asked: bool


class Cloakroom:
    """Has the saves of newcomers read."""

    def __init__(self, game: Game, keeping: Keeping | None, sessions: Sessions) -> None:
        """Begin with nobody.

        Args:
            game: One that keeps nothing for good makes nobody wait.
            keeping: Where saves are; None: there are none.
            sessions: Of those whose saves are in use.
        """
        self._sessions = sessions
        self._game = game.name
        self._keeping = keeping if game.persistent else None
        self._waiting: list[Waiting] = []  # no more than may have a place: each has a connection that was accepted
        self._now = 0.0

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"Cloakroom({len(self._waiting)} waiting)"

    def keeps_waiting(self, waiting: Waiting, now: float) -> bool:
        """Tell whether somebody has to wait; then `update` says when it need not any more."""
        owner, keeping = waiting.guest.arrival.owner, self._keeping
        if keeping is None or not owner or keeping.book.has(owner):
            return False
        keeping.archive.request(self._game, owner, now)
        self._waiting.append(waiting)
        return True

    def update(self, now: float) -> Iterator[tuple[Waiting, bool]]:
        """Yield who waits no more, and whether its saves are there."""
        if self._keeping is None or not self._waiting:
            return
        self._now = now
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            owner = each.guest.arrival.owner
            if self._keeping.book.has(owner):  # another connection of the same player was faster
                yield each, True
                continue
            self._keeping.archive.request(self._game, owner, now)
            loaded = self._keeping.archive.take_loaded(self._game, owner, now)
            if loaded is None:
                self._waiting.append(each)
                continue
            if not loaded.failed and each.connection.is_connected:
                self._keeping.book.bring(owner, loaded.saves)
            yield each, not loaded.failed

    def give_up(self, guest: Guest) -> None:
        """Put back the saves of somebody who is not let in after all, unless that player is in by another way."""
        if self._keeping is not None and self._sessions.known(guest.arrival.identity) is None:
            self._keeping.book.drop(guest.arrival.owner)

    def next_deadline(self) -> float | None:
        """Return when to look again; None: nobody waits."""
        return self._now + LOOK_SECONDS if self._waiting else None
