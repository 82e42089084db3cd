"""Remote calls: a function declared with `@rpc`, called on one side and run on the other. Both ends of it.

What the server sends to clients goes by post.py; how all of it looks on the wire is in callmessages.py.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from ecsnet.components.owner import Owner
from ecsnet.errors import LocalProtocolError, Refused, RemoteProtocolError, SendQueueFull
from ecsnet.gameevent import EventSpec
from ecsnet.peer import CALLS, CASUAL_CALLS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.rpc import Call, Destination, RefusalCode, Reply, Rpc
from ecsnet.system import System
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
from ecsnet.systems.heldcalls import HeldCalls
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["CallDesk", "ReceiveCalls"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

MAX_PENDING_REPLIES = 1024

Translate: TypeAlias = Callable[[int, int], int]  # (client id of the peer, entity or network id) -> the other one


class CallDesk:
    """One side's remote calls: makes them, runs those that arrive, and matches answers to questions.

    Args:
        here: Which calls run on this side.
        to_wire: Returns the network id of an entity, for the peer of a client id; 0 if it must not know it.
        from_wire: Returns the entity a peer of a client id means by a network id; 0 if it is not here.
        held: On a client, where calls wait for their moment; None: they run when they are taken.
    """

    def __init__(
        self,
        table: CallTable,
        *,
        here: Destination,
        to_wire: Translate,
        from_wire: Translate,
        held: HeldCalls | None = None,
    ) -> None:
        """Begin without calls."""
        self._table = table
        self._here = here
        self._to_wire = to_wire
        self._from_wire = from_wire
        self._held = held
        self._pending: dict[tuple[int, int], tuple[Entry, Reply[Any]]] = {}  # by (client id, call id)
        self._last_call_id = 0
        self._buckets: dict[tuple[int, int], tuple[float, float]] = {}  # by (client id, index): tokens, time
        self._happened: list[object] = []

    # Making calls.

    def call(self, peer: Peer, world: World, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the other side.

        Raises:
            LocalProtocolError: It is not the other side's, or the connection is not up.
            SchemaError: An argument is not of its declared type or range.
        """
        entry = self._table.entry_of(rpc)
        if rpc.to is self._here:
            raise LocalProtocolError(f"{rpc.name} runs on this side (to={rpc.to.name}); call it as a function")
        if len(self._pending) >= MAX_PENDING_REPLIES:
            raise LocalProtocolError(f"{MAX_PENDING_REPLIES} calls wait for their answers already")
        reply: Reply[R] = Reply()
        arguments = entry.arguments.pack(self._mapped(entry.arguments, rpc.bind(*args, **kwargs), peer, self._to_wire))
        call_id = self._remember(peer, entry, reply) if rpc.reliable else 0
        message = pack_call(call_id, entry, world.tick, arguments)
        try:
            peer.connection.send(CALLS if rpc.reliable else CASUAL_CALLS, message)
        except LocalProtocolError:
            self._pending.pop((peer.client_id, call_id), None)
            raise
        if not call_id:
            reply.resolve(rpc.make_result(()))  # no result is declared: it is on its way
        return reply

    def _remember(self, peer: Peer, entry: Entry, reply: Reply[Any]) -> int:
        self._last_call_id += 1
        self._pending[peer.client_id, self._last_call_id] = (entry, reply)
        return self._last_call_id

    def forget(self, peer: Peer, world: World, text: str) -> None:
        """Let go of a peer: what waits for its moment runs now or never, and no answer comes any more."""
        for arrived in self._held.take_all() if self._held is not None else ():
            self._run(peer, arrived, world)
        for key in [key for key in self._pending if key[0] == peer.client_id]:
            _, reply = self._pending.pop(key)
            reply.refuse(RefusalCode.DISCONNECTED, text)
        for key in [key for key in self._buckets if key[0] == peer.client_id]:
            del self._buckets[key]

    # Answering.

    def take_happened(self) -> list[object]:
        """Return and forget the events that arrived, in the order of their delivery."""
        happened, self._happened = self._happened, []
        return happened

    def take(self, peer: Peer, world: World, now: float) -> None:
        """Take all that arrived of a peer on the channels of calls; nonsense is its fault, and ends there."""
        for message in peer.take(CALLS) + peer.take(CASUAL_CALLS):
            try:
                self._receive(peer, message, world, now)
            except RemoteProtocolError as error:
                peer.fault = f"remote call: {error}"
                return

    def run_held(self, peer: Peer, world: World, now: float) -> None:
        """Run the calls whose moment has come."""
        assert self._held is not None, "calls wait on clients alone"
        for arrived in self._held.take_due(now):
            self._run(peer, arrived, world)

    def _receive(self, peer: Peer, message: bytes, world: World, now: float) -> None:
        """Take one message of a peer.

        Raises:
            RemoteProtocolError: It is not what the other side's desk makes.
        """
        kind, call_id, offset = unpack_head(message)
        if kind != CALL:
            self._resolve(peer, kind, call_id, message, offset)
            return
        arrived = self._table.unpack_call(call_id, message, offset)
        if arrived.entry.remote.to is not self._here:
            raise RemoteProtocolError(f"a call of {arrived.entry.remote.name}, which does not run here")
        if self._held is None:
            self._run(peer, arrived, world)
        else:
            self._held.hold(arrived, len(message), now)

    def _run(self, peer: Peer, arrived: Arrived, world: World) -> None:
        entry, call_id = arrived.entry, arrived.call_id
        values = self._mapped(entry.arguments, arrived.values, peer, self._from_wire)
        refusal = self._check(peer, entry, values, world)
        if refusal is None:
            sender = peer.client_id if self._here is Destination.SERVER else 0
            call = Call(world, sender, peer.entity, arrived.tick)
            refusal = self._invoke(peer, call_id, entry, call, values)
        if refusal is not None and call_id:
            _answer(peer, pack_refusal(call_id, *refusal))

    def _invoke(
        self, peer: Peer, call_id: int, entry: Entry, call: Call, values: Values
    ) -> tuple[RefusalCode, str] | None:
        """Run the handler and send its result; return why not. A bug in a handler must not stop the tick."""
        remote = entry.remote
        try:
            if isinstance(remote, EventSpec):
                self._happened.append(remote.make(values))
                return None
            result = remote.result_values(remote.invoke(call, values))
            packed = entry.result.pack(self._mapped(entry.result, result, peer, self._to_wire))
        except Refused as refused:
            return RefusalCode.REFUSED, str(refused)
        except Exception:
            caller = f"client {call.sender}" if call.sender else "the server"
            logger.exception("%s%r called by %s failed", remote.name, values, caller)
            return RefusalCode.FAILED, f"{remote.name} failed on the server"
        if call_id:
            _answer(peer, pack_result(call_id, packed))
        return None

    def _check(self, peer: Peer, entry: Entry, values: Values, world: World) -> tuple[RefusalCode, str] | None:
        rpc = entry.remote
        if isinstance(rpc, EventSpec):
            return None
        if rpc.rate_hz is not None and not self._take_token(peer, entry, rpc.rate_hz, world.tick * world.dt):
            return RefusalCode.RATE, f"{rpc.name} may be called {rpc.rate_hz:g} times a second"
        if rpc.owned_parameter is not None:
            entity = values[rpc.owned_parameter]
            assert isinstance(entity, int)
            owner = world.try_component(entity, Owner)
            if owner is None or owner.client_id != peer.client_id:
                return RefusalCode.NOT_OWNER, f"{rpc.name}: that entity is not yours"  # its number here is our business
        return None

    def _take_token(self, peer: Peer, entry: Entry, rate_hz: float, seconds: float) -> bool:
        """Spend one of the tokens that grow at rate_hz, a second's worth at most, one at least."""
        capacity = max(1.0, rate_hz)
        tokens, since = self._buckets.get((peer.client_id, entry.index), (capacity, seconds))
        passed = max(0.0, seconds - since)  # across the tick's wrap no time passes, once
        tokens = min(capacity, tokens + passed * rate_hz)
        granted = tokens >= 1.0
        self._buckets[peer.client_id, entry.index] = (tokens - granted, seconds)
        return granted

    def _resolve(self, peer: Peer, kind: int, call_id: int, message: bytes, offset: int) -> None:
        entry, reply = self._pending.get((peer.client_id, call_id), (None, None))
        if entry is None or reply is None:
            raise RemoteProtocolError(f"an answer to call {call_id}, which was never made")
        if kind == RESULT:
            values = self._mapped(entry.result, unpack_values(entry.result, message, offset), peer, self._from_wire)
            assert isinstance(entry.remote, Rpc), "nobody waits for an answer to an event"
            try:
                reply.resolve(entry.remote.make_result(values))
            except Exception as error:  # the result's own class refuses what the server sent
                raise RemoteProtocolError(f"{entry.remote.name}: {values!r} is no result: {error}") from error
        else:
            reply.refuse(*unpack_refusal(message, offset))
        del self._pending[peer.client_id, call_id]

    @staticmethod
    def _mapped(codec: RecordCodec, values: Values, peer: Peer, translate: Translate) -> Values:
        """Translate the entities among the values between this side and the wire."""
        return codec.map_refs(values, partial(translate, peer.client_id))


def _answer(peer: Peer, message: bytes) -> None:
    """Send an answer; a peer that asks and never reads what it gets is closed, at nobody else's cost."""
    if not peer.connection.is_connected:  # closed in this very tick
        return
    try:
        peer.connection.send(CALLS, message)
    except SendQueueFull as error:
        peer.fail(f"answers are not read: {error}", DisconnectReason.TOO_SLOW)


class ReceiveCalls(System):
    """Server: run the calls that arrived, in the order of their arrival."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, world: World) -> None:
        """Empty the channels of calls of every peer."""
        for peer in list(self._session.peers.values()):
            self._session.calls.take(peer, world, self._session.now)
