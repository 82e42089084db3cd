"""Remote calls: a function declared with `@rpc`, called on one side and run on the other. Both ends of it.

What a server sends leaves by post.py; what a client has and does not run yet is in heldcalls.py. How all of it looks on
the wire is in callmessages.py.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ecsnet.components.owner import Owner
from ecsnet.errors import LocalProtocolError, Refused, RemoteProtocolError
from ecsnet.gameevent import EventSpec
from ecsnet.peer import CALLS, CASUAL_CALLS, Peer
from ecsnet.remote import CLIENTS, SERVER
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.sender import Sender
from ecsnet.rpc import Call, RefusalCode, Reply, Rpc
from ecsnet.system import System
from ecsnet.systems.callfailures import CallFailures
from ecsnet.systems.callmessages import (
    CALL,
    RESULT,
    Arrived,
    CallTable,
    Entry,
    pack_call,
    pack_refusal,
    pack_result,
    unpack_head,
    unpack_refusal,
    unpack_values,
)
from ecsnet.systems.callrates import CallRates
from ecsnet.systems.heldanswers import HeldAnswers
from ecsnet.systems.heldcalls import HeldCalls
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.keeper import Keeper
    from ecsnet.systems.session import ServerSession

__all__ = ["ClientCalls", "ReceiveCalls", "ServerCalls"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

MAX_PENDING_REPLIES = 1024


class ServerCalls:
    """The server's end: checks what clients call, runs it and answers."""

    def __init__(
        self,
        table: CallTable,
        world: World,
        sender: Sender,
        answers: HeldAnswers | None = None,
        keeper: "Keeper | None" = None,
    ) -> None:
        """Begin without calls.

        Args:
            answers: What sends answers; None: they are sent at once.
            keeper: Told of refused calls.
        """
        self._table = table
        self._world = world
        self._sender = sender
        self._answers = HeldAnswers(None) if answers is None else answers
        self._keeper = keeper
        self._rates = CallRates()
        self._failures = CallFailures()

    def take(self, peer: Peer, now: float) -> None:
        """Run all that arrived of a client, in the order of its arrival."""
        self._read(peer, peer.take(CALLS) + peer.take(CASUAL_CALLS), now)

    def take_arrived(self, peer: Peer, now: float) -> bool:
        """Run the calls that a client need not wait a tick for; tell whether there were any.

        Its calls run in the order in which it made them: behind one that runs in the tick, all wait for the tick.
        """
        messages = peer.connection.take_leading(CALLS, self._table.is_on_arrival)
        self._read(peer, messages, now)
        return bool(messages)

    def forget(self, client_id: int) -> None:
        """Let go of a client."""
        self._rates.forget(client_id)

    def _read(self, peer: Peer, messages: Sequence[bytes], now: float) -> None:
        """Take messages of a client; nonsense is its fault, and ends there."""
        for message in messages:
            try:
                self._run(peer, self._unpack(message), now)
            except RemoteProtocolError as error:
                peer.fault = f"remote call: {error}"
                return

    def _unpack(self, message: bytes) -> Arrived:
        kind, call_id, offset = unpack_head(message)
        if kind != CALL:
            raise RemoteProtocolError(f"an answer to call {call_id}, and a server waits for none")
        return self._table.unpack_call(call_id, message, offset)

    def _run(self, peer: Peer, arrived: Arrived, now: float) -> None:
        entry, call_id = arrived.entry, arrived.call_id
        rpc = entry.remote
        if isinstance(rpc, EventSpec) or rpc.to is not SERVER:
            raise RemoteProtocolError(f"a call of {rpc.name}, which runs on clients")
        meant_by, client_id = self._sender.meant_by, peer.client_id
        values = entry.arguments.map_refs(arrived.values, lambda network_id: meant_by(client_id, network_id))
        refusal = self._check(client_id, rpc, values, now, is_told=call_id > 0)
        if refusal is None:
            call = Call(self._world, client_id, peer.entity, arrived.tick)
            packed, refusal = self._invoke(rpc, call, values, partial(self._pack_result, client_id, entry.result))
            if packed is not None and call_id:
                self._answers.put(peer, pack_result(call_id, packed))
        if refusal is not None:
            if self._keeper is not None:
                self._keeper.note_refused(client_id, rpc.name, *refusal, now)
            if call_id:
                self._answers.put(peer, pack_refusal(call_id, *refusal))

    def run_for(self, peer: Peer, rpc: Rpc[P, R], now: float, *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Run what somebody calls in the name of a client that is away, with the same checks.

        Raises:
            LocalProtocolError: It is not one of the game's for the server.
            SchemaError: An argument is not of its declared type or range.
        """
        codec, reply = self._table.entry_of(rpc).arguments, Reply[R]()
        if rpc.to is not SERVER:
            raise LocalProtocolError(f"{rpc.name} runs on clients, and the one it would run on is away")
        values, _ = codec.unpack(codec.pack(rpc.bind(*args, **kwargs)), 0)  # rounded as if they had travelled
        result, refusal = None, self._check(peer.client_id, rpc, values, now, is_told=True)
        if refusal is None:
            call = Call(self._world, peer.client_id, peer.entity, self._world.tick)
            result, refusal = self._invoke(rpc, call, values, rpc.make_result)
        if refusal is None:
            reply.resolve(cast("R", result))
        else:
            reply.refuse(*refusal)
        return reply

    def _pack_result(self, client_id: int, codec: RecordCodec, returned: Values) -> bytes:
        named_to = self._sender.named_to
        return codec.pack(codec.map_refs(returned, lambda entity: named_to(client_id, entity)))

    def _invoke(
        self, rpc: Rpc[..., Any], call: Call, values: Values, finish: Callable[[Values], T]
    ) -> tuple[T | None, tuple[RefusalCode, str] | None]:
        """Run the handler; return what `finish` makes of its result, or else why there is none.

        A bug in a handler must not stop the tick.
        """
        try:
            return finish(rpc.result_values(rpc.invoke(call, values))), None
        except Refused as refused:
            return None, (RefusalCode.REFUSED, str(refused))
        except Exception:
            if self._failures.is_worth_a_line(rpc.name, self._world):
                more = self._failures.take_silent(rpc.name)
                logger.exception("%s%r called by client %d failed%s", rpc.name, values, call.sender, more)
            return None, (RefusalCode.FAILED, f"{rpc.name} failed on the server")

    def _check(
        self, client_id: int, rpc: Rpc[..., Any], values: Values, now: float, *, is_told: bool
    ) -> tuple[RefusalCode, str] | None:
        """Return why a client may not call this, now and about that entity."""
        if not self._rates.allows(client_id, rpc, now, is_told=is_told):
            return RefusalCode.RATE, f"{rpc.name} may be called {rpc.rate_hz:g} times a second"
        if rpc.owned_parameter is not None:
            entity = values[rpc.owned_parameter]
            assert isinstance(entity, int)
            owner = self._world.try_component(entity, Owner)
            if owner is None or owner.client_id != client_id:
                return RefusalCode.NOT_OWNER, f"{rpc.name}: that entity is not yours"  # its number here is our business
        return None


class ClientCalls:
    """A client's end: calls the server, matches answers to questions, and runs what the server calls in its moment."""

    def __init__(self, table: CallTable, world: World, peer: Peer, receiver: Receiver, held: HeldCalls) -> None:
        """Begin without calls."""
        self._table = table
        self._world = world
        self._peer = peer
        self._receiver = receiver
        self._held = held
        self._pending: dict[int, tuple[Entry, Reply[Any]]] = {}  # by call id
        self._last_call_id = 0
        self._happened: list[object] = []

    # Making calls.

    def call(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the server.

        Raises:
            LocalProtocolError: It is not the server's, or the connection is not up.
            SchemaError: An argument is not of its declared type or range.
        """
        if len(self._pending) >= MAX_PENDING_REPLIES:
            raise LocalProtocolError(f"{MAX_PENDING_REPLIES} calls wait for their answers already")
        reply: Reply[R] = Reply()
        if rpc.reliable:
            self._send(self._last_call_id + 1, rpc, rpc.bind(*args, **kwargs))
            self._last_call_id += 1
            self._pending[self._last_call_id] = (self._table.entry_of(rpc), reply)
        else:
            self.tell(rpc, *args, **kwargs)
            reply.resolve(rpc.make_result(()))  # no result is declared: it is on its way
        return reply

    def tell(self, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a function on the server, and want no answer; see `call`."""
        self._send(0, rpc, rpc.bind(*args, **kwargs))

    def _send(self, call_id: int, rpc: Rpc[..., Any], arguments: Values) -> None:
        entry = self._table.entry_of(rpc)
        if rpc.to is CLIENTS:
            raise LocalProtocolError(f"{rpc.name} runs on this side (to=CLIENTS); call it as a function")
        packed = entry.arguments.pack(entry.arguments.map_refs(arguments, self._receiver.network_id_of))
        channel = CALLS if rpc.reliable else CASUAL_CALLS
        self._peer.connection.send(channel, pack_call(call_id, entry, self._world.tick, packed))

    # What the server says.

    def take(self, now: float) -> None:
        """Take all that arrived, and run what is due; nonsense is the server's fault, and ends there."""
        try:
            for message in self._peer.take(CALLS) + self._peer.take(CASUAL_CALLS):
                self._receive(message, now)
        except RemoteProtocolError as error:
            self._peer.fault = f"remote call: {error}"
        self._run(self._held.take_due(now))

    def take_happened(self) -> list[object]:
        """Return and forget the events that arrived, in the order of their delivery."""
        happened, self._happened = self._happened, []
        return happened

    def end(self, text: str) -> None:
        """Hear that the connection has ended: what waits for its moment runs now or never, and no answer comes."""
        self._run(self._held.take_all())
        pending, self._pending = self._pending, {}
        for _, reply in pending.values():
            reply.refuse(RefusalCode.DISCONNECTED, text)

    def _receive(self, message: bytes, now: float) -> None:
        """Take one message.

        Raises:
            RemoteProtocolError: It is not what a server makes.
        """
        kind, call_id, offset = unpack_head(message)
        if kind != CALL:
            self._resolve(kind, call_id, message, offset)
            return
        arrived = self._table.unpack_call(call_id, message, offset)
        if arrived.entry.remote.to is not CLIENTS:
            raise RemoteProtocolError(f"a call of {arrived.entry.remote.name}, which runs on the server")
        self._held.hold(arrived, len(message), now)

    def _resolve(self, kind: int, call_id: int, message: bytes, offset: int) -> None:
        if call_id not in self._pending:
            raise RemoteProtocolError(f"an answer to call {call_id}, which was never made")
        entry, reply = self._pending[call_id]
        if kind == RESULT:
            values = unpack_values(entry.result, message, offset)
            values = entry.result.map_refs(values, self._receiver.entity_of)
            assert isinstance(entry.remote, Rpc), "nobody waits for an answer to an event"
            try:
                reply.resolve(entry.remote.make_result(values))
            except Exception as error:  # the result's own class refuses what the server sent
                raise RemoteProtocolError(f"{entry.remote.name}: {values!r} is no result: {error}") from error
        else:
            reply.refuse(*unpack_refusal(message, offset))
        del self._pending[call_id]

    def _run(self, calls: Sequence[Arrived]) -> None:
        """Run handlers and note events. A bug in one of them must stop neither the others nor the game's loop."""
        for arrived in calls:
            remote, codec = arrived.entry.remote, arrived.entry.arguments
            values = codec.map_refs(arrived.values, self._receiver.entity_of)
            try:
                if isinstance(remote, EventSpec):
                    self._happened.append(remote.make(values))
                else:
                    remote.invoke(Call(self._world, 0, self._peer.entity, arrived.tick), values)
            except Exception:
                logger.exception("%s%r called by the server failed", remote.name, values)


class ReceiveCalls(System):
    """Server: run the calls that arrived, in the order of their arrival."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, _: World) -> None:
        """Empty the channels of calls of every peer."""
        for peer in list(self._session.peers.values()):
            self._session.calls.take(peer, self._session.now)
