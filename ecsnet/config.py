"""Every limit and every time span by name, one frozen class per room, each field with its unit and its reason."""

from dataclasses import dataclass, field

__all__ = ["ClientConfig", "HandshakeConfig", "ReplicationConfig", "ServerConfig", "TransportConfig"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HandshakeConfig:
    """What a handshake may cost and how long it may take. Fields marked (wire) must agree on both ends."""

    datagram_bytes: int = 1200
    """Size of INIT and HELLO, and the most a REPLY may have. (wire) 1200 B + 48 B of IPv6 and UDP headers fits the
    1280 B every IPv6 link must carry; and a 69 B CHALLENGE for it amplifies nothing."""

    timeout_seconds: float = 5.0
    """How long a client tries, and how long a server remembers a HELLO nobody confirmed: three lost round trips of the
    slowest link still fit."""

    retransmit_pauses_seconds: tuple[float, ...] = (0.25, 0.25, 0.5)
    """Pauses before INIT or HELLO is sent again, the last one repeating: at 0, 250, 500, 1000, 1500 ms ... Above the
    round trip of most players, and eleven tries at 25 % loss both ways fail one time in 10,000."""

    retransmit_jitter: float = 0.1
    """Each pause is changed by up to this fraction either way: clients cut off together do not return together."""

    cookie_lifetime_seconds: float = 10.0
    """How long a cookie proves an address: twice a client's patience."""

    cookie_rotation_seconds: float = 60.0
    """Age at which the cookie secret is replaced; the one before stays good for what it already signed."""

    max_challenges: int = 4
    """CHALLENGEs a client answers in one attempt: one per INIT it could have sent in a second, and room for the true
    one behind forged ones."""

    max_pending: int = 64
    """Handshakes a server holds unconfirmed at once; `max(64, max_clients)` is right. About 3 kB each."""

    max_pending_per_network: int = 4
    """Of these, from one IPv4 address or IPv6 /64: one household must not fill the waiting room."""

    max_settled: int = 1024
    """Attempts remembered as dealt with until their cookie runs out, so that a replayed HELLO starts nothing.
    150 B each; the oldest are forgotten first, and then a replay costs one key exchange and grants nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportConfig:
    """What one connection may use, and when it loses patience. Fields marked (wire) must agree on both ends."""

    handshake: HandshakeConfig = field(default_factory=HandshakeConfig)

    datagram_bytes: int = 1200
    """Largest UDP payload sent. 1200 B + 48 B of IPv6 and UDP headers fits the 1280 B every IPv6 link must carry."""

    keep_alive_seconds: float = 1.0
    """After this long without sending, a PING goes out: NATs forget after 30 s, and the peer hears we live."""

    idle_timeout_seconds: float = 10.0
    """After this long without hearing anything, the peer counts as gone."""

    max_ack_delay_seconds: float = 0.040
    """How long an ACK waits for something to ride on: longer than the 33 ms between two sends at 30 Hz, or every second
    datagram would be an ACK alone. (wire)"""

    close_repeats: int = 3
    """How often CLOSE is said: at 20 % loss, 1 in 125 closes goes unheard and ends by timeout."""

    close_pause_seconds: float = 0.25
    """Longest pause between two of them, else a probe timeout. So a close takes at most a second."""

    send_budget_bytes: int = 524_288
    """Most bytes of one connection in one call: 31 MB/s at 60 calls a second. Congestion control allows less."""

    initial_window_bytes: int = 12_000
    """Most bytes on their way before anything is known of the path: ten datagrams, RFC 9002, section 7.2."""

    min_window_bytes: int = 2400
    """Most bytes on their way on the worst of paths: two datagrams, RFC 9002, section 7.2; and inputs, 30 a second of
    60 B, for a round trip of a second."""

    max_window_bytes: int = 1_048_576
    """Most bytes on their way on the best of paths: 20 MB/s at a round trip of 50 ms. 1024 datagrams, as many as an ACK
    can name, are little more."""

    reliable_share: float = 0.25
    """Share of it that reliable messages may take before unreliable ones: state must not wait behind a download, nor
    a call behind a flood of state. What either leaves over is the other's."""

    max_unreliable_queue_bytes: int = 262_144
    """Unreliable messages that wait to be packed; beyond it the oldest are given up."""

    unreliable_backlog_bytes: int = 65_536
    """Unreliable bytes that a call may leave unsent, or a congestion window if that is more; beyond it the oldest are
    given up. Behind more they would wait for over a second at 64 kB/s, and then nobody wants them."""

    client_send_queue_bytes: int = 262_144
    """Reliable bytes a client may have unacknowledged on one channel."""

    server_send_queue_bytes: int = 1_048_576
    """Reliable bytes a server may have unacknowledged on one channel of one client."""

    max_queued_messages: int = 16_384
    """Reliable messages unacknowledged on one channel: empty ones take memory, too, about 600 B each."""

    max_reliable_message_bytes: int = 262_144
    """Longest reliable message. (wire)"""

    max_fragments: int = 256
    """Most fragments of one message: 262,144 B in pieces of 1,129 B are 233. (wire)"""

    reliable_window_messages: int = 1024
    """How far the newest reliable message sent may be ahead of the oldest unacknowledged one. (wire)"""

    reliable_window_bytes: int = 262_144
    """The same in bytes, so that the receiver never holds more behind a lost message. (wire)"""

    receive_buffer_bytes: int = 524_288
    """What one reliable channel holds for order and reassembly: a full window of 262,144 B, and `held_overhead_bytes`
    for each of its 1024 messages and 233 further fragments. (wire)"""

    held_overhead_bytes: int = 128
    """What a held message or fragment counts beside its bytes: 33 B of object, about 90 B of dictionary. Without it
    half a million fragments of one byte each would fit the limit and take 70 MB."""

    max_inbox_bytes: int = 262_144
    """Bytes delivered and not yet taken by the application; beyond it messages are dropped unacknowledged."""

    message_overhead_bytes: int = 64
    """What a message in the inbox counts beside its bytes: empty messages take memory, too."""

    duplicate_bytes: int = 256
    """Reliable messages up to this size are sent twice when packets get lost: cheaper than the round trip a repair
    takes. Longer ones are repaired."""

    duplicate_from_loss: float = 0.01
    """Share of packets lost lately from which that is done."""

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            ValueError: With the names and the values.
        """
        needed = max(self.reliable_window_bytes, self.max_reliable_message_bytes)
        needed += (self.reliable_window_messages + self.max_fragments) * self.held_overhead_bytes
        if self.held_overhead_bytes < 1:
            raise ValueError(f"held_overhead_bytes={self.held_overhead_bytes}: what is held costs something")
        if self.receive_buffer_bytes < needed:
            raise ValueError(
                f"receive_buffer_bytes={self.receive_buffer_bytes} cannot hold what a peer may send: {needed} B for "
                f"reliable_window_bytes={self.reliable_window_bytes}, max_reliable_message_bytes="
                f"{self.max_reliable_message_bytes}, reliable_window_messages={self.reliable_window_messages}, "
                f"max_fragments={self.max_fragments} and held_overhead_bytes={self.held_overhead_bytes}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicationConfig:
    """How state is cut for the wire, and what either side remembers at most."""

    chunk_bytes: int = 1000
    """Most of what changed that goes into one shared chunk. A message of 1,150 B then holds one, with the header, and
    room for a few entities of the client's own."""

    max_outstanding_messages: int = 1024
    """State messages to one client whose fate is unknown; older ones count as lost. Ten seconds at 30 sends a second of
    three messages each, far beyond any transport's patience."""

    early_bytes: int = 1 << 20
    """Values a client keeps for entities or records it does not know yet. A message overtakes another by milliseconds:
    1 MiB is what 10 Mbit/s bring in 0.8 s. The oldest are dropped first."""

    early_entities: int = 16_384
    """Entities with such values, at most."""

    early_ticks: int = 300
    """How long such values are kept, in ticks: 5 s at 60 Hz; what they belong to was lost then and comes again."""

    tombstones: int = 16_384
    """Deaths a client remembers, so that a late message revives nobody. The oldest are forgotten first; 100 B each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig:
    """How a server treats its clients."""

    transport: TransportConfig = field(default_factory=TransportConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    state_budget_bytes: int = 16_384
    """State one client gets in one send tick: 480 kB/s at 30 sends. A late join is spread over as many as it takes."""

    input_window_ticks: int = 64
    """How far ahead of the server's tick an input may lie: a second at 60 Hz. Beyond it is refused."""

    input_hold_seconds: float = 0.25
    """How long a missing input repeats the last one before neutral takes its place."""

    max_catch_up_ticks: int = 5
    """Ticks a stalled host runs at once; the rest is skipped, or it would only fall further behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientConfig:
    """How a client predicts and sends."""

    transport: TransportConfig = field(default_factory=TransportConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    input_rate_hz: float = 30.0
    """Input messages a second. Each carries every unacknowledged input, so no tick's input waits for a rate."""

    inputs_per_message: int = 32
    """Most inputs one message repeats: half a second at 60 Hz, so that many lost messages in a row cost nothing."""

    max_rollback_ticks: int = 40
    """Most ticks simulated again at once: a round trip of 600 ms at 60 Hz. Beyond it the server's state is shown."""

    max_catch_up_ticks: int = 5
    """Ticks run at once after a stall, e.g. while a window is dragged."""
