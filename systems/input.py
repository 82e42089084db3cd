"""Input: what the player presses, from the client's tick to the same tick on the server. Both ends of it.

Message on the input channel: the newest tick's low 16 bits, the lag, then runs of equal inputs, oldest first: count u8
| the input packed by the game's codec. Only this file knows that layout; PROTOCOL.md describes it, "Input messages".

The lag says how far what the client drew trails the tick of its input, so that the server can judge a shot by what the
shooter saw. It is one byte of the message and not one of each input: between two ticks it changes by a tenth of a tick.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from itertools import groupby

from ecsnet.components.owner import Owner
from ecsnet.config import MAX_INPUTS
from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import INPUT
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.system import System
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.session import ClientSession, ServerSession
from ecsnet.wire import Tick, advance_tick
from ecsnet.world import World

__all__ = ["ReceiveInput", "SendInput", "newest_messages", "pack_inputs", "round_lag", "unpack_inputs"]

LAG_STEPS = 4  # a tick: an eighth of a tick of error is 0.6 units at 300 units a second and 60 Hz
MAX_LAG_STEPS = 255  # 63 ticks, or more: four times what a server goes back at 60 Hz
_HEAD = struct.Struct("!HB")


def pack_inputs(newest: Tick, lag_ticks: float, inputs: Iterable[bytes]) -> bytes:
    """Join packed inputs of consecutive ticks that end at `newest`; 1 to 255 of them, oldest first.

    Args:
        lag_ticks: How far what was drawn trailed the tick of the input it led to, in whole 1/4; see `round_lag`.
    """
    parts = [_HEAD.pack(newest & 0xFFFF, round(lag_ticks * LAG_STEPS))]
    for packed, equal in groupby(inputs):
        parts += [bytes((len(list(equal)),)), packed]
    return b"".join(parts)


def round_lag(ticks: float) -> float:
    """Return the lag that travels instead of this one; what was drawn ahead of its tick has none."""
    return min(MAX_LAG_STEPS, max(0, round(ticks * LAG_STEPS))) / LAG_STEPS


def unpack_inputs(codec: RecordCodec, message: bytes, near: Tick) -> tuple[float, list[tuple[Tick, Values]]]:
    """Decode what `pack_inputs` made; return the lag in ticks, and (tick, values), oldest first.

    Args:
        near: A tick within 2**15 of the newest: only its low bits travel.

    Raises:
        RemoteProtocolError: Too short, too long, or a value outside its declared range.
    """
    run_bytes = _run_bytes(codec)
    runs, rest = divmod(len(message) - _HEAD.size, run_bytes)
    if runs < 1 or rest:
        raise RemoteProtocolError(f"an input message of {len(message)} B is no tick, lag and runs of {run_bytes} B")
    counts = message[_HEAD.size :: run_bytes]
    if not all(counts) or sum(counts) > MAX_INPUTS:
        raise RemoteProtocolError(
            f"an input message of runs of {list(counts)}, none of 0 and at most {MAX_INPUTS} in all"
        )
    low_bits, lag = _HEAD.unpack_from(message)
    newest = advance_tick(near, (low_bits - near + 0x8000 & 0xFFFF) - 0x8000)
    tick = advance_tick(newest, 1 - sum(counts))
    inputs = []
    for at, count in enumerate(counts):
        values = codec.unpack(message, _HEAD.size + at * run_bytes + 1)[0]
        inputs += [(advance_tick(tick, behind), values) for behind in range(count)]
        tick = advance_tick(tick, count)
    return lag / LAG_STEPS, inputs


def newest_messages(codec: RecordCodec, messages: Sequence[bytes], most_inputs: int) -> Sequence[bytes]:
    """Return the last of these messages, oldest first, that announce no more inputs than that together.

    An input takes a few bytes and 255 equal ones take no more, so what the transport lets a client send is no bound:
    540 kB a second of such runs took 116 ms a tick, and take 0.8 ms with this. Of honest messages the newest repeats
    whatever of the others is not past.
    """
    run_bytes = _run_bytes(codec)
    for at in range(len(messages) - 1, -1, -1):
        announced = sum(messages[at][_HEAD.size :: run_bytes])
        most_inputs -= min(MAX_INPUTS, max(1, announced))  # nonsense of any size is a little work as well
        if most_inputs < 0:
            return messages[at + 1 :]
    return messages


def _run_bytes(codec: RecordCodec) -> int:
    assert codec.size is not None, "inputs have closed ranges, so all are of one size"
    return 1 + codec.size


class SendInput(System):
    """Client: stamp what is pressed with the tick, keep it for prediction, send all that is unacknowledged."""

    def __init__(self, session: ClientSession) -> None:
        """Bind to the conversation."""
        self._session = session
        self._interval = max(1, round(session.game.tick_rate_hz / session.config.input_rate_hz))
        self._looked_at = math.nan  # the render clock when the lag was taken
        self._has_changed = False  # the input, since the last message

    def process(self, world: World) -> None:
        """Record what is pressed for the tick it acts in; send at the input rate once the server's tick is known."""
        session = self._session
        if session.game.input is None or not session.sync.synchronised:
            return
        newest = advance_tick(world.tick, session.config.input_delay_ticks)
        session.inputs.record(newest)
        self._look(newest)
        if newest % self._interval:
            return
        self._has_changed = False
        unacknowledged = session.inputs.since(session.receiver.own_input_tick, session.config.inputs_per_message)
        if unacknowledged and session.peer.connection.is_connected:
            session.peer.connection.send(INPUT, pack_inputs(newest, session.lag_ticks, unacknowledged))

    def _look(self, tick: Tick) -> None:
        """Take the lag where a shot needs it: from the frame at which a key went down, to the first tick it is down.

        A host draws more or fewer frames than it simulates ticks, and a message has the inputs of two ticks: the lag of
        what has changed goes before that of what is held. Of several ticks after one frame the later ones keep the lag,
        as if a frame had been drawn for each.
        """
        session = self._session
        clock, drawn, session.drawn_at_press = session.interpolator.clock, session.drawn_at_press, None
        if self._has_changed or (drawn is None and clock.tick == self._looked_at):
            return
        self._has_changed = drawn is not None
        self._looked_at = clock.tick
        session.lag_ticks = round_lag(clock.behind(tick, clock.drawn if drawn is None else drawn))


class ReceiveInput(System):
    """Server: take each client's inputs, check them, and set those of this tick on what the client owns.

    What nobody drives any more lets go of its keys once, and is the game's then.
    """

    def __init__(self, session: ServerSession) -> None:
        """Bind to the conversation."""
        self._session = session
        self._driven: dict[int, None] = {}  # entities that had a client's input in the last tick

    def process(self, world: World) -> None:
        """Read what arrived, then give every controlled entity its input for this tick."""
        session = self._session
        codec, component = session.schema.input_codec, session.game.input
        if component is None:
            return
        current = {}
        for client_id, peer in session.peers.items():
            buffer, messages = session.input_buffers[client_id], peer.take(INPUT)
            readable = newest_messages(codec, messages, session.config.max_inputs_per_tick)
            buffer.unread += len(messages) - len(readable)
            for message in readable:
                self._read(codec, message, buffer, world.tick)
            current[client_id] = buffer.take(world.tick)
        current |= {client_id: stand_in.values for client_id, stand_in in session.stand_ins.items()}
        driven: dict[int, None] = {}
        for entity, (owner, command) in world.get_components(Owner, component):
            values = current.get(owner.client_id)
            if values is not None:
                codec.apply(command, values)
                driven[entity] = None
        for entity in self._driven:
            released = None if entity in driven else world.try_component(entity, component)
            if released is not None:  # or the last keys of its owner, who is gone or owns it no more, would be held on
                codec.apply(released, codec.defaults)
        self._driven = driven

    @staticmethod
    def _read(codec: RecordCodec, message: bytes, buffer: InputBuffer, tick: Tick) -> None:
        """Offer every input of a message, or none of them if any part of it is nonsense."""
        try:
            lag_ticks, inputs = unpack_inputs(codec, message, tick)
        except RemoteProtocolError:
            # A cheat, since our own client checks before it sends. Nothing gained, counted, the game goes on.
            buffer.refused += 1
            return
        for input_tick, values in inputs:
            buffer.offer(input_tick, values, tick, lag_ticks)
