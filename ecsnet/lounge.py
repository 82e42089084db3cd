"""Lounge: where clients wait who were asked who they are. They have a connection, and nothing else.

What they say here is said over keys of this connection alone, to a server that has proved its own: so it can hold a
password. Whoever does not say it soon is sent away, and there are not many at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ecsnet.accounts import Account, Accounts
from ecsnet.admission import Introduction
from ecsnet.config import ServerConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import CALLS
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import No, Visitor
from ecsnet.transport.connection import Connection

__all__ = ["Lounge", "Waiting"]


@dataclass(slots=True, eq=False)
class Waiting:
    """One client in the lounge.

    Attributes:
        until: When it has to have said who it is, monotonic seconds.
        introduction: What it said; None before.
        verdict: What came of it: all that is known now, or why it has to go; None while it is looked at.
    """

    connection: Connection
    visitor: Visitor
    until: float
    introduction: Introduction | None = None
    verdict: Visitor | No | None = None


class Lounge:
    """Everybody who has a connection and has yet to be found to be somebody."""

    def __init__(self, accounts: Accounts | None, config: ServerConfig) -> None:
        """Open.

        Args:
            accounts: Everybody needs one; None: nobody does, and a greeting is all that is asked for.
        """
        self._accounts = accounts
        self._config = config
        self._waiting: dict[Connection, Waiting] = {}

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"Lounge({len(self._waiting)} waiting)"

    def enter(self, connection: Connection, visitor: Visitor, now: float) -> No | None:
        """Let somebody wait; return why not."""
        config, network = self._config, visitor.arrival.network
        neighbours = sum(waiting.visitor.arrival.network == network for waiting in self._waiting.values())
        if len(self._waiting) >= config.max_introductions or neighbours >= config.max_introductions_per_network:
            return No(DisconnectReason.SERVER_FULL, "the server is busy, try again")
        self._waiting[connection] = Waiting(connection, visitor, now + config.introduction_seconds)
        return None

    def forget(self, connection: Connection) -> None:
        """Let somebody go whose connection ended."""
        self._waiting.pop(connection, None)

    def update(self, now: float) -> Iterator[Waiting]:
        """Hear what everybody says, and yield those who need not wait any more, with the verdict."""
        for waiting in list(self._waiting.values()):
            self._listen(waiting, now)
        if self._accounts is not None:
            for answer in self._accounts.answers():
                asked = answer.tag
                assert isinstance(asked, Waiting)
                asked.verdict = (
                    No(answer.reason, answer.text) if answer.account is None else _known(asked, answer.account)
                )
        for waiting in list(self._waiting.values()):
            if waiting.verdict is not None:
                del self._waiting[waiting.connection]
                yield waiting

    def next_deadline(self) -> float | None:
        """Return when somebody has waited long enough; what a worker finds out meanwhile is looked at every tick."""
        return min((waiting.until for waiting in self._waiting.values() if waiting.introduction is None), default=None)

    def _listen(self, waiting: Waiting, now: float) -> None:
        """Take the introduction, which is all that may be said here."""
        messages = waiting.connection.take_messages()
        if not messages:
            if waiting.introduction is None and now >= waiting.until:
                waiting.verdict = No(DisconnectReason.REFUSED, "this server asked who is there, and nobody said it")
            return
        if waiting.introduction is not None or [channel for channel, _ in messages] != [CALLS]:
            waiting.verdict = No(DisconnectReason.PROTOCOL_ERROR, "more than an introduction, before the welcome")
            return
        try:
            waiting.introduction = Introduction.unpack(messages[0][1])
        except RemoteProtocolError as error:
            waiting.verdict = No(DisconnectReason.PROTOCOL_ERROR, str(error))
        else:
            self._consider(waiting, waiting.introduction, now)

    def _consider(self, waiting: Waiting, introduction: Introduction, now: float) -> None:
        """Decide about an introduction, or have its password looked at."""
        if self._accounts is None:
            waiting.verdict = _known(waiting, None)
        elif not introduction.account:
            waiting.verdict = No(
                DisconnectReason.BAD_ACCOUNT, "this server wants an account: give a name and a password"
            )
        else:
            network = waiting.visitor.arrival.network
            self._accounts.ask(waiting, introduction.account, introduction.password, network=network, now=now)


def _known(waiting: Waiting, account: Account | None) -> Visitor:
    """Return a visitor with what has come out about it."""
    visitor, introduction = waiting.visitor, waiting.introduction
    assert introduction is not None
    arrival = replace(visitor.arrival, greeting=introduction.greeting)
    if account is not None:
        arrival = replace(arrival, name=account.name, account=account.name)
    return replace(visitor, arrival=arrival)
