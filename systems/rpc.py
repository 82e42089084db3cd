"""Remote calls: a function declared with `@rpc`, called on one side and run on the other. Both ends of it.

Messages on the channels "calls" and "casual-calls"; ids and indexes are varints, entities are the server's:

    CALL     0 | call id (0: no answer wanted) | index of the function | sender's tick u32 | arguments
    RESULT   1 | call id | the result's values
    REFUSED  2 | call id | code u8 | text, UTF-8

Arguments and results are packed by a RecordCodec of what the function declares. The index counts the game's functions
by name; the schema hash covers them, so both sides have the same table. No name travels, nothing is looked up on an
object. Only this file knows that layout.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from ecsnet.components.owner import Owner
from ecsnet.errors import LocalProtocolError, Refused, RemoteProtocolError, SendQueueFull
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, Peer
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.rpc import Call, Destination, RefusalCode, Reply, Rpc
from ecsnet.system import System
from ecsnet.wire import pack_varint, unpack_varint
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ClientSession, ServerSession

__all__ = ["CallDesk", "ReceiveCalls"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

CALL, RESULT, REFUSED = range(3)
MAX_PENDING_REPLIES = 1024
MAX_REFUSAL_BYTES = 512

Translate: TypeAlias = Callable[[int, int], int]  # (client id of the peer, entity or network id) -> the other one


@dataclass(frozen=True, slots=True)
class _Entry:
    """One function of the table: both sides number them alike."""

    index: int
    rpc: Rpc[..., Any]  # functions of every signature share the table
    arguments: RecordCodec
    result: RecordCodec


class CallDesk:
    """One side's remote calls: makes them, runs those that arrive, and matches answers to questions.

    Args:
        here: Which calls run on this side.
        to_wire: Returns the network id of an entity, for the peer of a client id; 0 if it must not know it.
        from_wire: Returns the entity a peer of a client id means by a network id; 0 if it is not here.
    """

    def __init__(
        self,
        game: Game,
        *,
        here: Destination,
        to_wire: Translate,
        from_wire: Translate,
    ) -> None:
        """Number the game's functions."""
        self._here = here
        self._to_wire = to_wire
        self._from_wire = from_wire
        self._table = [
            _Entry(index, rpc, RecordCodec(rpc.parameters, rpc.name), RecordCodec(rpc.result_fields, rpc.name))
            for index, rpc in enumerate(sorted(game.rpcs, key=lambda rpc: rpc.name))
        ]
        self._entries = {entry.rpc: entry for entry in self._table}
        self._pending: dict[tuple[int, int], tuple[_Entry, Reply[Any]]] = {}  # by (client id, call id)
        self._last_call_id = 0
        self._buckets: dict[tuple[int, int], tuple[float, float]] = {}  # by (client id, index): tokens, time

    # Making calls.

    def call(self, peer: Peer, world: World, rpc: Rpc[P, R], *args: P.args, **kwargs: P.kwargs) -> Reply[R]:
        """Call a function on the other side.

        Raises:
            LocalProtocolError: It is not the other side's, or the connection is not up.
            SchemaError: An argument is not of its declared type or range.
        """
        entry = self._entries.get(rpc)
        if entry is None:
            raise LocalProtocolError(f"{rpc.name} is not among the game's rpcs; add it to Game(rpcs=[...])")
        if rpc.to is self._here:
            raise LocalProtocolError(f"{rpc.name} runs on this side (to={rpc.to.name}); call it as a function")
        if len(self._pending) >= MAX_PENDING_REPLIES:
            raise LocalProtocolError(f"{MAX_PENDING_REPLIES} calls wait for their answers already")
        reply: Reply[R] = Reply()
        arguments = entry.arguments.pack(self._mapped(entry.arguments, rpc.bind(*args, **kwargs), peer, self._to_wire))
        answered = rpc.to is Destination.SERVER and rpc.reliable
        call_id = self._remember(peer, entry, reply) if answered else 0
        message = bytes((CALL,)) + pack_varint(call_id) + pack_varint(entry.index)
        try:
            peer.connection.send(
                CALLS if rpc.reliable else CASUAL_CALLS, message + world.tick.to_bytes(4, "big") + arguments
            )
        except LocalProtocolError:
            self._pending.pop((peer.client_id, call_id), None)
            raise
        if not answered:
            reply.resolve(rpc.make_result(()))  # no result is declared: it is on its way
        return reply

    def _remember(self, peer: Peer, entry: _Entry, reply: Reply[Any]) -> int:
        self._last_call_id += 1
        self._pending[peer.client_id, self._last_call_id] = (entry, reply)
        return self._last_call_id

    def forget(self, peer: Peer, text: str) -> None:
        """Refuse what still waits for an answer of a peer that is gone."""
        for key in [key for key in self._pending if key[0] == peer.client_id]:
            _, reply = self._pending.pop(key)
            reply.refuse(RefusalCode.DISCONNECTED, text)
        for key in [key for key in self._buckets if key[0] == peer.client_id]:
            del self._buckets[key]

    # Answering.

    def take(self, peer: Peer, world: World) -> None:
        """Take all that arrived of a peer on the channels of calls; nonsense is its fault, and ends there."""
        for message in peer.take(CALLS) + peer.take(CASUAL_CALLS):
            try:
                self.receive(peer, message, world)
            except RemoteProtocolError as error:
                peer.fault = f"remote call: {error}"
                return

    def receive(self, peer: Peer, message: bytes, world: World) -> None:
        """Take one message of a peer.

        Raises:
            RemoteProtocolError: It is not what the other side's desk makes.
        """
        if not message:
            raise RemoteProtocolError("an empty message on a channel of calls")
        call_id, offset = unpack_varint(message, 1)
        if message[0] == CALL:
            self._run(peer, call_id, message, offset, world)
        elif message[0] in (RESULT, REFUSED):
            self._resolve(peer, call_id, message, offset)
        else:
            raise RemoteProtocolError(f"a message of kind {message[0]} on a channel of calls")

    def _run(self, peer: Peer, call_id: int, message: bytes, offset: int, world: World) -> None:
        index, offset = unpack_varint(message, offset)
        if index >= len(self._table) or self._table[index].rpc.to is not self._here:
            raise RemoteProtocolError(f"a call of function {index}, which does not run here")
        if offset + 4 > len(message):
            raise RemoteProtocolError("a call is cut off before its tick")
        entry = self._table[index]
        tick = int.from_bytes(message[offset : offset + 4], "big")
        values = self._decode(peer, entry.arguments, message, offset + 4)
        refusal = self._check(peer, entry, values, world)
        if refusal is None:
            call = Call(world, peer.client_id if self._here is Destination.SERVER else 0, peer.entity, tick)
            refusal = self._invoke(peer, call_id, entry, call, values)
        if refusal is not None and call_id:
            code, text = refusal
            encoded = text.encode(errors="replace")[:MAX_REFUSAL_BYTES].decode(errors="ignore").encode()
            _answer(peer, bytes((REFUSED,)) + pack_varint(call_id) + bytes((code.value,)) + encoded)

    def _invoke(
        self, peer: Peer, call_id: int, entry: _Entry, call: Call, values: Values
    ) -> tuple[RefusalCode, str] | None:
        """Run the handler and send its result; return why not. A bug in a handler must not stop the tick."""
        try:
            result = entry.rpc.result_values(entry.rpc.invoke(call, values))
            packed = entry.result.pack(self._mapped(entry.result, result, peer, self._to_wire))
        except Refused as refused:
            return RefusalCode.REFUSED, str(refused)
        except Exception:
            logger.exception("%s%r called by client %d failed", entry.rpc.name, values, call.sender)
            return RefusalCode.FAILED, f"{entry.rpc.name} failed on the server"
        if call_id:
            _answer(peer, bytes((RESULT,)) + pack_varint(call_id) + packed)
        return None

    def _check(self, peer: Peer, entry: _Entry, values: Values, world: World) -> tuple[RefusalCode, str] | None:
        rpc = entry.rpc
        if rpc.rate_hz is not None and not self._take_token(peer, entry, rpc.rate_hz, world.tick * world.dt):
            return RefusalCode.RATE, f"{rpc.name} may be called {rpc.rate_hz:g} times a second"
        if rpc.owned_parameter is not None:
            entity = values[rpc.owned_parameter]
            assert isinstance(entity, int)
            owner = world.try_component(entity, Owner)
            if owner is None or owner.client_id != peer.client_id:
                return RefusalCode.NOT_OWNER, f"{rpc.name}: that entity is not yours"  # its number here is our business
        return None

    def _take_token(self, peer: Peer, entry: _Entry, rate_hz: float, seconds: float) -> bool:
        """Spend one of the tokens that grow at rate_hz, a second's worth at most, one at least."""
        capacity = max(1.0, rate_hz)
        tokens, since = self._buckets.get((peer.client_id, entry.index), (capacity, seconds))
        passed = max(0.0, seconds - since)  # across the tick's wrap no time passes, once
        tokens = min(capacity, tokens + passed * rate_hz)
        granted = tokens >= 1.0
        self._buckets[peer.client_id, entry.index] = (tokens - granted, seconds)
        return granted

    def _resolve(self, peer: Peer, call_id: int, message: bytes, offset: int) -> None:
        entry, reply = self._pending.get((peer.client_id, call_id), (None, None))
        if entry is None or reply is None:
            raise RemoteProtocolError(f"an answer to call {call_id}, which was never made")
        if message[0] == RESULT:
            values = self._decode(peer, entry.result, message, offset)
            try:
                reply.resolve(entry.rpc.make_result(values))
            except Exception as error:  # the result's own class refuses what the server sent
                raise RemoteProtocolError(f"{entry.rpc.name}: {values!r} is no result: {error}") from error
        else:
            try:
                reply.refuse(RefusalCode(message[offset]), message[offset + 1 :].decode(errors="replace"))
            except (IndexError, ValueError) as error:
                raise RemoteProtocolError(f"a refusal that cannot be read: {error}") from error
        del self._pending[peer.client_id, call_id]

    def _decode(self, peer: Peer, codec: RecordCodec, message: bytes, offset: int) -> Values:
        values, end = codec.unpack(message, offset)
        if end != len(message):
            raise RemoteProtocolError(f"{codec.owner}: {len(message) - end} B too many")
        return self._mapped(codec, values, peer, self._from_wire)

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
        peer.fault = f"answers are not read: {error}"


class ReceiveCalls(System):
    """Both sides: run the calls that arrived, and take the answers to our own, in the order of their arrival."""

    def __init__(self, session: "ServerSession | ClientSession") -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, world: World) -> None:
        """Empty the channels of calls of every peer."""
        for peer in list(self._session.peers.values()):
            self._session.calls.take(peer, world)
