"""Calls, events and answers on the wire: what was packed is read, and anything else is a protocol error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.fields import EntityRef
from ecsnet.game import Game
from ecsnet.gameevent import event, event_spec_of
from ecsnet.replication.schema import Schema
from ecsnet.rpc import CLIENTS, SERVER, Call, RefusalCode, rpc
from ecsnet.systems.callmessages import (
    CALL,
    MAX_REFUSAL_BYTES,
    REFUSED,
    RESULT,
    CallTable,
    pack_call,
    pack_refusal,
    pack_result,
    unpack_head,
    unpack_refusal,
    unpack_values,
)


@rpc(to=SERVER, answer="arrival")
def attack(call: Call, knight: EntityRef, kind: str) -> int: ...  # type: ignore[empty-body]


@rpc(to=CLIENTS)
def wave(call: Call) -> None: ...


@event
class Fell:
    knight: EntityRef
    gold: int


@rpc(to=SERVER)
def missing(call: Call) -> None: ...


TABLE = CallTable(Schema(Game("duel", rpcs=[wave, attack], events=[Fell])).remotes)
IDS = st.integers(0, 2**62 - 1)
ENTITIES = st.integers(0, 2**32 - 1)


@given(IDS, ENTITIES, st.text(max_size=60), st.integers(0, 2**32 - 1))
def test_a_call_is_read_as_it_was_packed(call_id: int, knight: int, kind: str, tick: int) -> None:
    """With its id, its function, its tick and its arguments."""
    entry = TABLE.entry_of(attack)
    message = pack_call(call_id, entry, tick, entry.arguments.pack((knight, kind)))
    head, found_id, offset = unpack_head(message)
    arrived = TABLE.unpack_call(found_id, message, offset)

    assert (head, found_id) == (CALL, call_id)
    assert (arrived.call_id, arrived.entry, arrived.tick, arrived.values) == (call_id, entry, tick, (knight, kind))
    assert TABLE.is_on_arrival(message)


@given(IDS, st.integers(-(2**31), 2**31 - 1))
def test_a_result_is_read_as_it_was_packed(call_id: int, gold: int) -> None:
    """To its last byte."""
    codec = TABLE.entry_of(attack).result
    message = pack_result(call_id, codec.pack((gold,)))
    head, found_id, offset = unpack_head(message)

    assert (head, found_id, unpack_values(codec, message, offset)) == (RESULT, call_id, (gold,))
    with pytest.raises(RemoteProtocolError, match="attack: 1 B too many"):
        unpack_values(codec, message + b"\0", offset)
    assert not TABLE.is_on_arrival(message)


@given(IDS, st.sampled_from(RefusalCode), st.text())
def test_a_refusal_is_read_as_it_was_packed(call_id: int, code: RefusalCode, text: str) -> None:
    """Its text as far as it fits, and no half of a letter."""
    message = pack_refusal(call_id, code, text)
    head, found_id, offset = unpack_head(message)
    found_code, found_text = unpack_refusal(message, offset)

    assert (head, found_id, found_code) == (REFUSED, call_id, code)
    assert text.encode(errors="replace").decode().startswith(found_text)
    assert len(found_text.encode()) > min(MAX_REFUSAL_BYTES, len(text.encode(errors="replace"))) - 4


@given(st.binary(max_size=60))
def test_anything_else_is_a_protocol_error(data: bytes) -> None:
    """Whatever a peer sends, it is a message or it is refused; nothing else is raised."""
    TABLE.is_on_arrival(data)
    try:
        head, call_id, offset = unpack_head(data)
        if head == CALL:
            TABLE.unpack_call(call_id, data, offset)
        elif head == RESULT:
            unpack_values(TABLE.entry_of(attack).result, data, offset)
        else:
            unpack_refusal(data, offset)
    except RemoteProtocolError:
        pass


def test_both_sides_number_by_name() -> None:
    """Calls and events in one table, in whatever order a game lists them."""
    fell = event_spec_of(Fell)
    assert fell is not None

    assert [TABLE.entry_of(each).index for each in (fell, attack, wave)] == [0, 1, 3]  # client_log is between
    assert repr(TABLE) == "CallTable(4 entries)"
    with pytest.raises(LocalProtocolError, match=r"missing is not among the game's rpcs; add it to Game\(rpcs="):
        TABLE.entry_of(missing)
