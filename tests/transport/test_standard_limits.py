"""The tables under "Limits" in PROTOCOL.md say what the code does; neither can change alone.

To add a row there, add one here: every number of its value cell, in order.
"""

import math
import re
from pathlib import Path

import pytest

import ecsnet.transport
from ecsnet.admission import MAX_ACCOUNT_BYTES, MAX_ACCOUNT_PASSWORD_BYTES, MAX_GREETING_BYTES, MAX_TICKET_BYTES
from ecsnet.config import (
    MAX_DATAGRAM_BYTES,
    MAX_INPUTS,
    MAX_RECORD_BYTES,
    MIN_DATAGRAM_BYTES,
    ClientConfig,
    GuardConfig,
    HandshakeConfig,
    ReplicationConfig,
    ServerConfig,
    TcpConfig,
    TokenConfig,
    TransportConfig,
)
from ecsnet.enginecalls import MAX_LINE_BYTES, client_log
from ecsnet.fieldcheck import MAX_FIELD_BYTES, MAX_FLAG_BITS, MAX_ITEMS, MAX_MEMBERS
from ecsnet.protocol import DisconnectReason
from ecsnet.remote import MAX_CASUAL_BYTES, MAX_PARAMETERS
from ecsnet.replication.checks import MAX_COMPLAINTS, TIMES_SAID
from ecsnet.replication.schema import MAX_RECORDS
from ecsnet.systems.callmessages import MAX_REFUSAL_BYTES
from ecsnet.systems.heldcalls import APPLIED_ROUND_TRIPS, APPLIED_SECONDS, MAX_HELD_BYTES, MAX_HELD_CALLS
from ecsnet.transport import acks, crypto, hello, intake, packet, path

STANDARD = Path(ecsnet.transport.__file__).parent / "PROTOCOL.md"
HANDSHAKE, GUARD, CONFIG, TCP, TOKEN = HandshakeConfig(), GuardConfig(), TransportConfig(), TcpConfig(), TokenConfig()
REPLICATION = ReplicationConfig()
PERCENT, MILLISECONDS = 100, 1000
NUMBER = re.compile(r"(?<![\w/])\d[\d,]*(?:\.\d+)?(?:\^\d+)?")  # not those of IPv4 and /64

LIMITS: dict[str, tuple[float, ...]] = {
    # Handshake.
    "INIT and HELLO": (HANDSHAKE.datagram_bytes,),
    "credentials": tuple(hello.max_credentials_bytes(1200, each) for each in (hello.Pattern.NK, hello.Pattern.IK)),
    "payload of a REPLY": (hello.max_payload_bytes(HANDSHAKE.datagram_bytes),),
    "text of a refusal or CLOSE": (packet.MAX_CLOSE_TEXT_BYTES,),
    "resume ticket": (MAX_TICKET_BYTES, ServerConfig().max_offered_tickets),
    "account, its password, greeting": (MAX_ACCOUNT_BYTES, MAX_ACCOUNT_PASSWORD_BYTES, MAX_GREETING_BYTES),
    "introduction": (
        ServerConfig().introduction_seconds, ServerConfig().max_introductions,
        ServerConfig().max_introductions_per_network,
    ),
    "connect token": (TOKEN.max_token_bytes, TOKEN.lifetime_seconds, TOKEN.max_used),
    "player id, name, data and servers of a token": (
        TOKEN.max_player_id_bytes, TOKEN.max_name_bytes, TOKEN.max_data_bytes, TOKEN.max_servers,
    ),
    "clocks of backend and server": (TOKEN.clock_skew_seconds,),
    "attempt to connect": (HANDSHAKE.timeout_seconds,),
    "pauses before INIT or HELLO is sent again": (*HANDSHAKE.retransmit_pauses_seconds, HANDSHAKE.retransmit_jitter),
    "a password is doubted": (HANDSHAKE.password_doubt_seconds,),
    "CHALLENGEs answered per attempt": (HANDSHAKE.max_challenges,),
    "cookie": (HANDSHAKE.cookie_lifetime_seconds, HANDSHAKE.cookie_rotation_seconds),
    "handshakes of one network": (GUARD.handshakes_at_once, GUARD.handshakes_per_second),
    "pending handshakes": (HANDSHAKE.max_pending, HANDSHAKE.max_pending_per_network, HANDSHAKE.timeout_seconds),
    "attempts remembered as over": (HANDSHAKE.max_settled, HANDSHAKE.cookie_lifetime_seconds),
    "RESETs": (GUARD.resets_per_second,),
    "strikes": (
        GUARD.strikes_until_block, GUARD.strike_memory_seconds, GUARD.block_seconds, GUARD.max_block_seconds,
        GUARD.max_networks,
    ),
    # Connection.
    "datagram": (CONFIG.datagram_bytes, MIN_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES),
    "received from one client": (
        GUARD.inbound_bytes_per_second, GUARD.inbound_burst_bytes, GUARD.inbound_packet_bytes,
    ),
    "packets per key": (crypto.EPOCH_PACKETS,),
    "packet numbers": (crypto.PACKET_NUMBER_LIMIT,),
    "replay window, packets an ACK can name below the largest": (acks.ACK_RANGE,),
    "an ACK": (CONFIG.max_ack_delay_seconds * MILLISECONDS, acks.MANY_PACKETS, packet.MAX_BITMAP_BYTES),
    "frames in a packet": (packet.MAX_FRAMES,),
    "channels": (packet.MAX_CHANNELS,),
    "PATH_CHALLENGE": (path.MAX_TRIES, path.AMPLIFICATION, intake.MAX_PATH_RESPONSES),
    "keep-alive, idle timeout": (CONFIG.keep_alive_seconds, CONFIG.idle_timeout_seconds),
    "CLOSE": (CONFIG.close_repeats, CONFIG.close_pause_seconds * MILLISECONDS),
    "reliable message": (CONFIG.max_reliable_message_bytes, CONFIG.max_fragments),
    "reliable messages ahead of the oldest unacknowledged": (
        CONFIG.reliable_window_messages, CONFIG.reliable_window_bytes,
    ),
    "reliable bytes unacknowledged per channel": (
        CONFIG.client_send_queue_bytes, CONFIG.server_send_queue_bytes, CONFIG.queued_overhead_bytes,
    ),
    "held for order and reassembly per channel": (CONFIG.receive_buffer_bytes, CONFIG.held_overhead_bytes),
    "reliable messages sent and not yet read": (CONFIG.credit_bytes, CONFIG.message_overhead_bytes),
    "reliable messages wait, none is acknowledged": (CONFIG.stall_timeout_seconds,),
    "reliable messages sent twice": (CONFIG.duplicate_bytes, CONFIG.duplicate_from_loss * PERCENT),
    "unreliable messages delivered and not yet read": (CONFIG.max_inbox_bytes, CONFIG.message_overhead_bytes),
    "unreliable messages in parts": (CONFIG.max_unreliable_fragments, CONFIG.max_unreliable_assemblies),
    "unreliable bytes not yet packed": (
        CONFIG.max_unreliable_queue_bytes, CONFIG.unreliable_backlog_bytes, CONFIG.message_overhead_bytes,
    ),
    "congestion window": (CONFIG.min_window_bytes, CONFIG.max_window_bytes, CONFIG.initial_window_bytes),
    "sent in one call": (CONFIG.send_budget_bytes, CONFIG.reliable_share * PERCENT),
    # Streams.
    "record": (TCP.max_record_bytes,),
    "unacknowledged": (CONFIG.stream_window_bytes, acks.ACK_RANGE),
    "streams at once": (TCP.max_streams, TCP.max_streams_per_network),
    "a record, from its first byte (the first one: from the stream's opening)": (TCP.record_seconds,),
    "from the first record to a connection": (HANDSHAKE.timeout_seconds,),
    "an acknowledgement": (CONFIG.idle_timeout_seconds,),
    "read of one stream, new streams, in one pass": (TCP.read_bytes, TCP.accepts_per_pass),
    "waiting to be taken by the system": (TCP.write_buffer_bytes, TCP.write_patience_seconds),
    "after our end of the stream, for the peer's": (TCP.linger_seconds,),
    # The game.
    "records of a schema, members of an Enum, bits of a Flag": (MAX_RECORDS, MAX_MEMBERS, MAX_FLAG_BITS),
    "elements of an array, list or dict; bytes of one at most, lengths included": (MAX_ITEMS, MAX_FIELD_BYTES),
    "arguments of a call, values of its result, fields of an event; bytes of all of them on channel 3": (
        MAX_PARAMETERS, MAX_CASUAL_BYTES,
    ),
    "text of a refused call": (MAX_REFUSAL_BYTES,),
    "text of a line for the log, lines that a server takes": (MAX_LINE_BYTES, client_log.rate_hz or 0.0),
    "calls and events a client keeps until their state is there": (
        MAX_HELD_CALLS, MAX_HELD_BYTES, APPLIED_SECONDS * MILLISECONDS, APPLIED_ROUND_TRIPS,
    ),
    "inputs of one message": (ClientConfig().inputs_per_message, MAX_INPUTS),
    "inputs read in one tick": (ServerConfig().max_inputs_per_tick,),
    "input ahead of the server's tick": (ServerConfig().input_window_ticks,),
    "checks": (REPLICATION.check_settled_seconds, REPLICATION.check_seconds, REPLICATION.check_bytes),
    "complaints": (MAX_COMPLAINTS, TIMES_SAID, REPLICATION.answers_per_minute),
}  # fmt: skip


def text() -> str:
    return STANDARD.read_text(encoding="utf-8")


def rows() -> list[tuple[str, str]]:
    """Return name and value of every row of the tables under "Limits"."""
    [section] = re.findall(r"^## Limits\n(.*?)(?=^## |\Z)", text(), re.DOTALL | re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [(name, value) for name, value in cells if value not in ("value", "---")]


def numbers(value: str) -> tuple[float, ...]:
    return tuple(number(each) for each in NUMBER.findall(value))


def number(text: str) -> float:
    base, _, exponent = text.replace(",", "").partition("^")
    return math.pow(float(base), float(exponent or 1))


def test_every_row_is_compared_and_no_other() -> None:
    names = [name for name, _ in rows()]

    assert sorted(names) == sorted(LIMITS)


@pytest.mark.parametrize(("name", "value"), rows(), ids=[name for name, _ in rows()])
def test_a_limit_of_the_standard_is_that_of_the_code(name: str, value: str) -> None:
    assert numbers(value) == pytest.approx(LIMITS[name])


def test_every_reason_is_in_the_table() -> None:
    """By number; their names are for people."""
    [table] = re.findall(r"^\| reason .*?\n\n", text(), re.DOTALL | re.MULTILINE)
    listed = [int(cell) for cell in table.split("|") if cell.strip().isdecimal()]

    assert sorted(listed) == sorted(DisconnectReason)


def test_numbers_are_read_as_people_read_them() -> None:
    value = "max(64, most clients), 4 per IPv4 address or IPv6 /64, 0.5 s; 2^22, 1,048,576 B"

    assert numbers(value) == (64, 4, 0.5, 1 << 22, 1_048_576)


def test_the_longest_record_is_the_same_for_both_who_cut_and_who_read() -> None:
    assert TCP.max_record_bytes == MAX_RECORD_BYTES
