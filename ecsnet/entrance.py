"""Entrance: everybody's way from a request to a place.

A request is judged, and granted or refused in the handshake; where the server asks, its client waits in the lounge
between the two. When the connection is up and all is said, what the client brought is taken, and the server gives it
its player.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ecsnet import accesslog
from ecsnet.admission import QUESTION
from ecsnet.cloakroom import NO_SAVES, Cloakroom, Waiting
from ecsnet.events import ConnectRequested
from ecsnet.lounge import Lounge
from ecsnet.peer import CALLS
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import Guest, No, Reception, Visitor
from ecsnet.room import Room
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint

__all__ = ["Entered", "Entrance"]


class Entered(NamedTuple):
    """Somebody who is in, and where."""

    connection: Connection
    guest: Guest
    room: Room


class Entrance:
    """The endpoint's strangers, until they are players or gone."""

    def __init__(
        self, endpoint: Endpoint, reception: Reception, lounge: Lounge, cloakroom: Cloakroom, *, asks: bool
    ) -> None:
        """Open.

        Args:
            asks: Whether who has no ticket is asked who it is.
        """
        self._endpoint = endpoint
        self._reception = reception
        self._lounge = lounge
        self._cloakroom = cloakroom
        self._asks = asks

    def answer(self, request: ConnectRequested) -> None:
        """Grant or refuse a request whose cookie is proved. All that is kept is the transport's entry."""
        answer: Visitor | Guest | No = self._reception.judge(request)
        if isinstance(answer, Visitor) and (answer.has_ticket or not self._asks):
            answer = self._reception.welcome(answer)
        if isinstance(answer, No):
            self._endpoint.refuse(request.request_id, answer.reason, answer.text, answer.payload)
            accesslog.refused(request.address, answer.reason, answer.text, request.player_key)
        else:
            payload = answer.welcome.pack() if isinstance(answer, Guest) else QUESTION
            self._endpoint.accept(request.request_id, payload, tag=answer)

    def admit(self, connection: Connection, now: float) -> Entered | None:
        """Let in whose connection is up; or let it wait where it is asked more."""
        if not connection.is_connected:  # it is gone again
            return None
        guest = connection.tag
        assert isinstance(guest, Guest | Visitor), f"{connection} was not accepted here"
        if isinstance(guest, Guest):
            return self._let_in(Waiting(connection, guest, is_asked=False), now)
        obstacle = self._lounge.enter(connection, guest, now)
        if obstacle is not None:
            self._turn_away(connection, obstacle, guest.arrival.player_key, now)
        return None

    def update(self, now: float) -> Iterator[Entered]:
        """Yield those who were asked and may come in; each has to have its place before the next is looked at."""
        for waiting in self._lounge.update(now):
            connection, verdict = waiting.connection, waiting.verdict
            if not connection.is_connected:
                continue
            answer = self._reception.welcome(verdict) if isinstance(verdict, Visitor) else verdict
            if isinstance(answer, Guest):
                entered = self._let_in(Waiting(connection, answer, is_asked=True), now)
                if entered is not None:
                    yield entered
            elif answer is not None:
                self._turn_away(connection, answer, waiting.visitor.arrival.player_key, now)

        for guest, is_ready in self._cloakroom.update(now):
            if not guest.connection.is_connected:
                continue
            if is_ready:
                entered = self._enter(guest, now)
                if entered is not None:
                    yield entered
            else:
                self._turn_away(guest.connection, NO_SAVES, guest.guest.arrival.player_key, now)

    def forget(self, connection: Connection) -> None:
        """Let go of somebody whose connection ended before it was in."""
        self._lounge.forget(connection)

    def next_deadline(self) -> float | None:
        """Return when somebody has waited long enough."""
        deadlines = (self._lounge.next_deadline(), self._cloakroom.next_deadline())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _let_in(self, waiting: Waiting, now: float) -> Entered | None:
        """Let somebody in whose saves are at hand; others wait for them."""
        if self._cloakroom.keeps_waiting(waiting, now):
            return None
        return self._enter(waiting, now)

    def _enter(self, waiting: Waiting, now: float) -> Entered | None:
        connection, guest = waiting.connection, waiting.guest
        entered = self._confirm(connection, guest, now)
        if entered is None:
            self._cloakroom.give_up(guest)
        elif waiting.is_asked:
            connection.send(CALLS, guest.welcome.pack())
        return entered

    def _confirm(self, connection: Connection, guest: Guest, now: float) -> Entered | None:
        """Take what a guest brought for its place; or send it away after all."""
        if self._endpoint.doorkeeper.is_blocked(connection.address, now):  # since it was accepted
            blocked = DisconnectReason.BANNED
            self._turn_away(connection, No(blocked, blocked.text), guest.arrival.player_key, now)
            return None
        room = self._reception.confirm(guest)
        if isinstance(room, Room):
            return Entered(connection, guest, room)
        self._turn_away(connection, room, guest.arrival.player_key, now)
        return None

    @staticmethod
    def _turn_away(connection: Connection, no: No, player_key: bytes, now: float) -> None:
        connection.close(no.reason, no.text, now=now)
        accesslog.refused(connection.address, no.reason, no.text, player_key)
