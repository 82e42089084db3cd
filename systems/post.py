"""Post: calls and events from the server's World to clients. They leave with the state of the send tick.

Sent then and not sooner, because only then it is known who sees what, and by which number a client knows an entity; and
because a client shall have the state before what happened in it. What fits the datagram of the state travels in it, so
an event declared reliable=False is a frame event: it arrives with its tick's state, or is lost with it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecsnet.errors import LocalProtocolError, SendQueueFull
from ecsnet.gameevent import event_spec_of
from ecsnet.netfield import Audience, TeamMembers
from ecsnet.peer import CALLS, CASUAL_CALLS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.remote import CLIENTS
from ecsnet.replication.codec import Values
from ecsnet.replication.sender import Sender
from ecsnet.rpc import Rpc
from ecsnet.system import System
from ecsnet.systems.callmessages import CallTable, Entry, pack_call
from ecsnet.targets import ObserversOf, OneClient, OwnerOf, Target
from ecsnet.wire import Tick
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["MAX_LETTERS", "Post", "SendCalls"]

MAX_LETTERS = 65_536  # between two sends: 25 MB of them; a game that has more to say means something else


@dataclass(slots=True, eq=False)
class Letter:
    """A call or an event on its way.

    Attributes:
        values: Of its arguments; entities in them are this World's.
        messages: As encoded, by the numbers under which the receiver knows those entities.
    """

    target: Target
    entry: Entry
    tick: Tick
    values: Values
    refs: list[int]
    messages: dict[tuple[int, ...], bytes] = field(default_factory=dict)


class Post:
    """Keeps what a World sends until the next send tick, and finds out then whom it concerns."""

    def __init__(
        self,
        table: CallTable,
        world: World,
        sender: Sender,
        peers: Mapping[int, Peer],
        on_event: Callable[[object], None] = lambda _: None,
    ) -> None:
        """Begin with nothing.

        Args:
            peers: Who is connected, by client; the server's own, always up to date.
            on_event: Told of every event that is sent.
        """
        self._on_event = on_event
        self._table = table
        self._world = world
        self._sender = sender
        self._peers = peers
        self._letters: list[Letter] = []
        self._joined: dict[int, int] = {}  # by client: how many letters were older than it
        self._overheard: list[bytes] | None = None  # what everybody was told; None: nobody listens

    def __repr__(self) -> str:
        """Show how much waits."""
        return f"Post({len(self._letters)} letters)"

    def call(self, target: Target, rpc: Rpc[..., Any], arguments: Values) -> None:
        """Let clients run a function, with their next state.

        Raises:
            SchemaError: An argument is not of its declared type or range.
            LocalProtocolError: It is not one of the game's for clients.
        """
        if rpc.to is not CLIENTS:
            raise LocalProtocolError(f"{rpc.name} runs on the server (to=SERVER); call it as a function")
        self._add(target, self._table.entry_of(rpc), arguments)

    def send(self, target: Target, event: object) -> None:
        """Tell clients what happened, with their next state.

        Raises:
            SchemaError: A value is not of its declared type or range.
            LocalProtocolError: It is not one of the game's events.
        """
        spec = event_spec_of(type(event))
        if spec is None:
            raise LocalProtocolError(f"{event!r} is no event: send an instance of a class declared with @event")
        self._add(target, self._table.entry_of(spec), spec.values_of(event))
        self._on_event(event)

    def _add(self, target: Target, entry: Entry, values: Values) -> None:
        if len(self._letters) >= MAX_LETTERS:
            raise LocalProtocolError(f"{MAX_LETTERS} calls and events wait for the next send already: {entry.remote!r}")
        if isinstance(target, OwnerOf):
            target = OneClient(self._sender.owner_of(target.entity))
        packed = entry.arguments.pack(values)
        # As they are now, whoever changes a list later; and rounded as the other side reads them.
        values, _ = entry.arguments.unpack(packed, 0)
        letter = Letter(target, entry, self._world.tick, values, entry.arguments.refs(values))
        if not letter.refs:
            letter.messages[()] = pack_call(0, entry, letter.tick, packed)
        self._letters.append(letter)

    def admit(self, client_id: int) -> None:
        """Begin with a client: what was sent before it came is not for it."""
        self._joined[client_id] = len(self._letters)

    def take_overheard(self) -> list[bytes]:
        """Return and forget what everybody was told, or all who see an entity, since the last call; listen from now on.

        Entities in it are named as `Sender.tell_all` names them.
        """
        overheard, self._overheard = self._overheard or [], []
        return overheard

    def deliver(self) -> None:
        """Hand everything over to the connections; right after the state was, of this tick."""
        letters, self._letters = self._letters, []
        joined, self._joined = self._joined, {}
        if self._overheard is not None:
            self._overheard += [self._message_for(0, letter) for letter in letters if _is_public(letter.target)]
        for number, letter in enumerate(letters):
            for client_id in self._addressed(letter.target):
                peer = self._peers.get(client_id)
                if peer is not None and number >= joined.get(client_id, 0):
                    self._hand_over(peer, letter)

    def _addressed(self, target: Target) -> Iterable[int]:
        """Return the clients a target means, some of which may be gone."""
        match target:
            case OneClient(client_id):
                return (client_id,)
            case ObserversOf(entity):
                return self._sender.observers_of(entity)
            case TeamMembers(number):
                return [client_id for client_id in self._peers if self._sender.team_of(client_id) == number]
            case Audience.EVERYONE:
                return list(self._peers)
        raise AssertionError(f"{target!r} was not checked")

    def _hand_over(self, peer: Peer, letter: Letter) -> None:
        """Send a letter to a client. Whoever does not read what it gets is closed, at nobody else's cost."""
        if peer.fault or not peer.connection.is_connected:  # closed, or about to be, in this very tick
            return
        channel = CALLS if letter.entry.remote.reliable else CASUAL_CALLS
        try:
            peer.connection.send(channel, self._message_for(peer.client_id, letter))
        except SendQueueFull as error:
            peer.fail(f"calls are not read: {error}", DisconnectReason.TOO_SLOW)

    def _message_for(self, client_id: int, letter: Letter) -> bytes:
        """Return a letter with the entities as a client, or 0, a witness, knows them; encoded once for all alike."""
        named = {ref: self._sender.named_to(client_id, ref) for ref in letter.refs}
        key = tuple(named.values())
        message = letter.messages.get(key)
        if message is None:
            codec = letter.entry.arguments
            packed = codec.pack(codec.map_refs(letter.values, named.__getitem__))
            message = letter.messages[key] = pack_call(0, letter.entry, letter.tick, packed)
        return message


def _is_public(target: Target) -> bool:
    return target is Audience.EVERYONE or isinstance(target, ObserversOf)


class SendCalls(System):
    """Server: what was called and what happened, to those it is for, after the state it is about."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, world: World) -> None:
        """Speak when the state was sent."""
        if self._session.sender.tick == world.tick:
            self._session.post.deliver()
