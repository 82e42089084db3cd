"""Input: what the player presses, from the client's tick to the same tick on the server. Both ends of it.

Message on the input channel: the newest tick's low 16 bits, the lag, then runs of equal inputs, oldest first: count u8
| the input packed by the game's codec. Only this file knows that layout; PROTOCOL.md describes it, "Input messages".

The lag says how far what the client drew trails the tick of its input, so that the server can judge a shot by what the
shooter saw. It is one byte of the message and not one of each input: between two ticks it changes by a tenth of a tick.
"""

import math
import struct
from collections.abc import Container, Iterable
from itertools import groupby

from ecsnet.components.owner import Owner
from ecsnet.errors import RemoteProtocolError
from ecsnet.peer import INPUT
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.system import System
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.session import ClientSession, ServerSession
from ecsnet.wire import Tick, advance_tick
from ecsnet.world import World

__all__ = ["ReceiveInput", "SendInput", "pack_inputs", "round_lag", "unpack_inputs"]

MAX_INPUTS = 255  # of one message: a few bytes say it, so it bounds the work they make; we send 32 at most
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


def unpack_inputs(
    codec: RecordCodec, message: bytes, near: Tick, known: Container[Tick] = ()
) -> tuple[float, list[tuple[Tick, Values]]]:
    """Decode what `pack_inputs` made; return the lag in ticks, and (tick, values), oldest first.

    Args:
        near: A tick within 2**15 of the newest: only its low bits travel.
        known: Ticks to leave out: most of a message repeats what came before.

    Raises:
        RemoteProtocolError: Too short, too long, or a value outside its declared range.
    """
    size = codec.size
    assert size is not None, "inputs have closed ranges, so all are of one size"
    runs, rest = divmod(len(message) - _HEAD.size, 1 + size)
    if runs < 1 or rest:
        raise RemoteProtocolError(f"an input message of {len(message)} B is no tick, lag and runs of {1 + size} B")
    counts = message[_HEAD.size :: 1 + size]
    if not all(counts) or sum(counts) > MAX_INPUTS:
        raise RemoteProtocolError(
            f"an input message of runs of {list(counts)}, none of 0 and at most {MAX_INPUTS} in all"
        )
    low_bits, lag = _HEAD.unpack_from(message)
    newest = advance_tick(near, (low_bits - near + 0x8000 & 0xFFFF) - 0x8000)
    tick = advance_tick(newest, 1 - sum(counts))
    inputs = []
    for at, count in enumerate(counts):
        values = codec.unpack(message, _HEAD.size + at * (1 + size) + 1)[0]
        for _ in range(count):
            if tick not in known:
                inputs.append((tick, values))
            tick = advance_tick(tick)
    return lag / LAG_STEPS, inputs


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
    """Server: take each client's inputs, check them, and set those of this tick on what the client owns."""

    def __init__(self, session: ServerSession) -> None:
        """Bind to the conversation."""
        self._session = session

    def process(self, world: World) -> None:
        """Read what arrived, then give every controlled entity its input for this tick."""
        session = self._session
        codec, component = session.schema.input_codec, session.game.input
        if component is None:
            return
        current = {}
        for client_id, peer in session.peers.items():
            buffer = session.input_buffers[client_id]
            for message in peer.take(INPUT):
                self._read(codec, message, buffer, world.tick)
            current[client_id] = buffer.take(world.tick)
        for _, (owner, command) in world.get_components(Owner, component):
            values = current.get(owner.client_id)
            if values is not None:
                codec.apply(command, values)

    @staticmethod
    def _read(codec: RecordCodec, message: bytes, buffer: InputBuffer, tick: Tick) -> None:
        """Offer every input of a message, or none of them if any part of it is nonsense."""
        try:
            lag_ticks, inputs = unpack_inputs(codec, message, tick, known=buffer)
        except RemoteProtocolError:
            # A cheat, since our own client checks before it sends. Nothing gained, counted, the game goes on.
            buffer.refused += 1
            return
        for input_tick, values in inputs:
            buffer.offer(input_tick, values, tick, lag_ticks)
