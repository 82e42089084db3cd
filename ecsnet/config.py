"""Every limit and every time span by name, one frozen class per room, each field with its unit and its reason."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecsnet.inspectors import Inspectors

if TYPE_CHECKING:
    from ecsnet.transport.trace import Trace

__all__ = [
    "SUITES",
    "AccountConfig",
    "ClientConfig",
    "GuardConfig",
    "HandshakeConfig",
    "PersistenceConfig",
    "ReplicationConfig",
    "RoomConfig",
    "ServerConfig",
    "TcpConfig",
    "TokenConfig",
    "TransportConfig",
]

SUITES = ("aesgcm", "chachapoly")  # by their number on the wire
MAX_INPUTS = 255  # of one message: a few bytes say it, so it bounds the work they make; we send 32 at most (wire)
MIN_DATAGRAM_BYTES = 256  # an input message of half a second, with its headers
MAX_RECORD_BYTES = 1200  # of a stream: as long as a datagram that nobody configured. A longer one ends it. (wire)
MAX_DATAGRAM_BYTES = 1472  # an Ethernet frame of 1500 B less 28 B of IPv4 and UDP headers


@dataclass(frozen=True, kw_only=True, slots=True)
class HandshakeConfig:
    """What a handshake may cost and how long it may take. Fields marked (wire) must agree on both ends."""

    datagram_bytes: int = 1200
    """Size of INIT and HELLO, and the most a REPLY may have. (wire) 1200 B + 48 B of IPv6 and UDP headers fits the
    1280 B every IPv6 link must carry; and a 69 B CHALLENGE for it amplifies nothing."""

    padded_bytes: int = 1200
    """What a client fills INIT and HELLO up to: a server answers no smaller datagram. Over a stream 0: nobody can write
    another's address there."""

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

    suite: str = "aesgcm"
    """The cipher a client asks for, one of SUITES; servers speak both. AES-GCM takes half the time of ChaCha20 on a CPU
    with instructions for AES, which all but small boards have. Nothing tells us whether one has: there, set
    "chachapoly", which is three times as fast as AES done in software."""

    password_doubt_seconds: float = 2.0
    """How long a client waits for an answer to its password before it asks, beside it, whether that may be wrong: a
    server cannot read what was said under another password and is silent. HELLO has gone out five times by then, so
    only one of 100,000 good passwords is doubted for nothing at 5 % loss. Over a stream the server ends it instead."""

    max_settled: int = 1024
    """Attempts remembered as dealt with until their cookie runs out, so that a replayed HELLO starts nothing.
    150 B each; the oldest are forgotten first, and then a replay costs one key exchange and grants nothing."""

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            ValueError: With the name and the value.
        """
        if self.suite not in SUITES:
            raise ValueError(f"suite={self.suite!r}: there is {' and '.join(map(repr, SUITES))}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardConfig:
    """Whom a server keeps out, and how fast anybody may come. A network is an IPv4 address or an IPv6 /64."""

    blocked_networks: tuple[str, ...] = ()
    """Networks in CIDR notation that nobody may join from; see also `Server.block`."""

    handshakes_at_once: int = 64
    """Handshakes of one network without a pause, counted once the cookie is proved: a school behind one address comes
    back as a whole when the server restarts."""

    handshakes_per_second: float = 4.0
    """In the long run. Each costs a key exchange, about 0.2 ms, and is one guess at a password."""

    strikes_until_block: int = 3
    """Breaches of the protocol inside authenticated connections until a network is blocked. One may be a bug."""

    strike_memory_seconds: float = 600.0
    """After this long without another, strikes and blocks are forgotten."""

    block_seconds: float = 60.0
    """How long the first block lasts; every further one doubles it ..."""

    max_block_seconds: float = 86_400.0
    """... up to a day: addresses change hands."""

    max_networks: int = 4096
    """Networks remembered at most, for handshakes and for strikes each; 300 B each."""

    resets_per_second: float = 100.0
    """Answers to packets of connections nobody knows: enough for every player of a restarted server within seconds of
    their ten retries, and 1.7 kB/s for whoever sends junk."""

    inbound_bytes_per_second: float = 1_000_000.0
    """What one client may send in the long run, with `inbound_packet_bytes` for each packet: 800 packets a second of
    input size, ten times what a 60 Hz client sends."""

    inbound_burst_bytes: float = 4_000_000.0
    """What it may send at once: four seconds of it, so that a link that stalled may catch up. What is sent beyond is
    dropped as if lost; who goes on until as much again was dropped is closed."""

    inbound_packet_bytes: int = 1000
    """What a packet counts beside its bytes: opening one costs as much as copying a few thousand bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportConfig:
    """What one connection may use, and when it loses patience. Fields marked (wire) must agree on both ends."""

    handshake: HandshakeConfig = field(default_factory=HandshakeConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)

    datagram_bytes: int = 1200
    """Largest UDP payload sent, 256 to 1472. 1200 B + 48 B of IPv6 and UDP headers fits the 1280 B every IPv6 link must
    carry; in one's own network 1472 B fill an Ethernet frame, behind tunnels less may be needed. Each end decides for
    itself: whatever is sent is taken. Handshakes are not concerned, see `HandshakeConfig.datagram_bytes`; nor do the
    records of a stream grow beyond 1200 B."""

    keep_alive_seconds: float = 1.0
    """After this long without sending, a client sends a PING: NATs forget after 30 s, and the peer hears we live. A
    server waits a quarter longer, and so only answers."""

    idle_timeout_seconds: float = 10.0
    """After this long without hearing anything, the peer counts as gone."""

    max_ack_delay_seconds: float = 0.040
    """How long an ACK waits for something to ride on: longer than the 33 ms between two sends at 30 Hz, or every second
    datagram would be an ACK alone. (wire)"""

    close_repeats: int = 3
    """How often CLOSE is said: at 20 % loss, 1 in 125 closes goes unheard and ends by timeout."""

    close_pause_seconds: float = 0.25
    """Longest pause between two of them, else a probe timeout. So a close takes at most a second."""

    stream_window_bytes: int = 65_536
    """Most bytes sent over a stream (TCP) and not acknowledged. All of it is a second at 64 kB/s: staler state nobody
    wants. And 16,384 B of state 30 times a second fit it up to a round trip of 130 ms. (wire)"""

    send_budget_bytes: int = 524_288
    """Most bytes of one connection in one call: 31 MB/s at 60 calls a second. Congestion control allows less."""

    initial_window_bytes: int = 12_000
    """Most bytes on their way before anything is known of the path: ten datagrams, RFC 9002, section 7.2."""

    min_window_bytes: int = 2400
    """Most bytes on their way on the worst of paths: two datagrams, RFC 9002, section 7.2; and inputs, 30 a second of
    60 B, for a round trip of a second."""

    min_rate_bytes_per_second: float = 6000.0
    """The same as a rate, for long paths: who plays over a satellite, with a round trip of a second and every fourth
    packet lost, still gets the state of a small game and its calls. Narrower links are not what games are made for."""

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

    queued_overhead_bytes: int = 384
    """What each further unacknowledged reliable message counts beside its bytes: measured per piece with its frame, its
    list and its places in three tables. Without it 16,384 messages of ten bytes took 6 MB of a connection's 1.6 MB."""

    max_reliable_message_bytes: int = 262_144
    """Longest reliable message. (wire)"""

    max_fragments: int = 256
    """Most fragments of one message: 262,144 B in pieces of 1,129 B are 233. (wire)"""

    max_unreliable_fragments: int = 16
    """The same of a message that is not sent again: at 5 % loss 16 parts arrive together in 44 % of cases, so longer
    ones are not worth their bytes. (wire)"""

    max_unreliable_assemblies: int = 4
    """Unreliable messages of which some parts have arrived, of all channels: 4 x 16 x 1.1 kB. A fifth takes the place
    of the oldest."""

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
    """Unreliable bytes delivered and not yet taken by the application; beyond it they are dropped unacknowledged."""

    credit_bytes: int = 327_680
    """What reliable messages may cost that are sent and not yet taken by the application: a full window of one channel,
    262,144 B, and 1024 x `message_overhead_bytes`. (wire)"""

    message_overhead_bytes: int = 64
    """What a message counts beside its bytes until it is taken, or an unreliable one until it is packed: empty messages
    take memory, too, 13 MB of them without it. (wire)"""

    stall_timeout_seconds: float = 30.0
    """How long a peer may acknowledge nothing of reliable messages although some wait; then the connection is closed as
    too slow, before what waits for it grows old. Three times the idle timeout: a program stopped in a debugger is gone
    long before."""

    duplicate_bytes: int = 256
    """Reliable messages up to this size are sent twice when packets get lost: cheaper than the round trip a repair
    takes. Longer ones are repaired."""

    duplicate_from_loss: float = 0.01
    """Share of packets lost lately from which that is done."""

    trace: "Trace | None" = field(default=None, compare=False)
    """Told of every packet, for debugging; see `ecsnet.transport.trace`."""

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            ValueError: With the names and the values.
        """
        if not MIN_DATAGRAM_BYTES <= self.datagram_bytes <= MAX_DATAGRAM_BYTES:
            raise ValueError(
                f"datagram_bytes={self.datagram_bytes} is not between {MIN_DATAGRAM_BYTES} and {MAX_DATAGRAM_BYTES}"
            )
        needed = max(self.reliable_window_bytes, self.max_reliable_message_bytes)
        needed += (self.reliable_window_messages + self.max_fragments) * self.held_overhead_bytes
        if self.credit_bytes < self.max_reliable_message_bytes + self.message_overhead_bytes:
            raise ValueError(
                f"credit_bytes={self.credit_bytes} is never enough for a message of max_reliable_message_bytes="
                f"{self.max_reliable_message_bytes} and message_overhead_bytes={self.message_overhead_bytes}"
            )
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
class TcpConfig:
    """What streams may cost a server before anything is known of who opened them, and after."""

    max_streams: int = 512
    """Streams open at once: half of the 1024 descriptors a process usually may have. Further ones are closed again."""

    max_streams_per_network: int = 16
    """Of these, from one IPv4 address or IPv6 /64: a household or a class room of players, and a quarter of the waiting
    room of handshakes."""

    accepts_per_pass: int = 64
    """New streams taken at once: a full server's players come back within a few passes, a flood stops no tick."""

    max_record_bytes: int = MAX_RECORD_BYTES
    """Longest record: a packet as long as a datagram. A longer length ends the stream. (wire)"""

    read_bytes: int = 16_384
    """Most bytes read of one stream in one pass: 1 MB/s at 60 passes. Then others get their turn."""

    record_seconds: float = 5.0
    """How long a record may take to become whole, and how long a new stream may wait with its first: a player's slowest
    link needs a second, and who sends a byte now and then holds a stream no longer."""

    write_buffer_bytes: int = 131_072
    """What waits for the system to take it: twice the 65,536 B that may be unacknowledged. With more the stream is
    closed."""

    write_patience_seconds: float = 10.0
    """How long the system may take nothing of it: as long as any silence is borne."""

    linger_seconds: float = 1.0
    """How long a stream we have ended stays open for the peer to do so as well: without it our last words could be lost
    with what the peer still sends."""


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

    check_seconds: float = 60.0
    """Within which the server says of everything that rests what it should be, so that a client notices if it differs;
    or later, where there is so much that check_bytes do not suffice: beyond 10,000 entities. 0: never. Three entities a
    second at least: 30 B."""

    check_settled_seconds: float = 2.0
    """How long something must have rested for that: a loss is repaired by then, most often."""

    check_bytes: int = 64
    """Most of it in one send tick."""

    answers_per_minute: int = 64
    """How often a client may be told the truth of an entity in which it says it differs. Where this is not enough there
    is a bug to be found first; and who only pretends costs no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenConfig:
    """What a connect token may say, and how long it counts. Whoever mints and whoever checks must agree on it."""

    lifetime_seconds: float = 300.0
    """Longest time between issue and expiry: a player starts a game and joins within minutes, and what is used must be
    remembered that long."""

    clock_skew_seconds: float = 10.0
    """By how much the clocks of backend and game server may differ: with a time server they agree far better."""

    max_used: int = 65_536
    """Used tokens remembered until they expire, 200 B each; beyond it nobody is let in: 211 players a second for five
    minutes are no players."""

    max_player_id_bytes: int = 64
    """A UUID has 36, a user name of most platforms less than 32."""

    max_name_bytes: int = 96
    """24 characters of up to 4 bytes, as everywhere."""

    max_data_bytes: int = 256
    """The backend's own bytes for the game: a team, a rank, a skin. All of a token has to fit HELLO."""

    max_servers: int = 4
    """Server keys a token is good for: the current and the former one of two servers."""

    max_token_bytes: int = 640
    """Longest token: 622 B with all of the above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountConfig:
    """What a password has to be, what hashing one costs, and how often one may be tried."""

    min_password_characters: int = 8
    """The least that NIST SP 800-63B takes, which asks for no kinds of letters, either."""

    max_password_bytes: int = 256
    """In UTF-8: a sentence in any writing. Longer ones would only be work."""

    hash_memory_kib: int = 19_456
    """Memory of one Argon2id hash, and with it the price of a guess: 19 MiB, as OWASP recommends with two passes."""

    hash_passes: int = 2
    """How often it is gone through: 21 ms with 19 MiB on a core of 2020, so 47 players a second log in."""

    hash_lanes: int = 1
    """Into how many parts it is cut; more would only help who has several cores for one guess."""

    max_waiting: int = 128
    """Passwords that wait to be hashed, 21 ms each: a full server's players all come back within 2.7 s. Further ones
    hear that the server is busy."""

    attempts_at_once: int = 10
    """Wrong passwords for one name without a pause. Right ones do not count."""

    attempts_per_second: float = 1 / 30
    """In the long run: 2,900 guesses a day."""

    network_attempts_at_once: int = 64
    """The same for all names together of one IPv4 address or IPv6 /64, where a new account counts, too: as many as
    handshakes, see `GuardConfig`, so that a school that logs in behind one address at once is not held up."""

    network_attempts_per_second: float = 0.2
    """In the long run: 17,000 guesses, or new accounts, a day from each."""

    max_remembered: int = 4096
    """Names and networks of which attempts are remembered, each; 300 B each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomConfig:
    """How a server runs several games side by side, each in a World of its own."""

    max_rooms: int = 32
    """Rooms open at once. A soccer match of four takes 1.5 to 3 % of a core; more than a core there is not."""

    max_rooms_per_network: int = 16
    """Of these, made by players of one IPv4 address or IPv6 /64: a school that plays in fours, and nobody makes all of
    them, in which he need not even be: a new one stays for a while, and he may be a new player every quarter second."""

    max_clients: int = 1024
    """Places of the whole server, the hall's included."""

    places: int = 0
    """Places of a room whose maker named no other number; 0: the game's `max_clients`, which is also the most."""

    code_letters: int = 5
    """Letters of a room's code: of 24 different ones, so that 32 rooms are found by one guess in 250,000."""

    clients_create: bool = True
    """Whether clients may open rooms; else `Server.rooms.open` does, and whoever joins without a code."""

    empty_seconds: float = 30.0
    """How long a room stays in which nobody has a place: long enough to pass on the code of a new one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersistenceConfig:
    """What a server keeps, how long it waits for its store, and what it does when the store does not answer."""

    snapshot_seconds: float = 30.0
    """How often the World is kept whole: a killed server loses no more of it. Saves and events are kept at once."""

    gather_seconds: float = 0.05
    """How long events wait for others, to be written together; saves do not. A killed server loses no more of them, and
    a disk is written to 20 times a second at most, not at each tick."""

    answer_patience_seconds: float = 1.0
    """How long the answer of a call waits until what the call changed is safe. If the store takes longer, the game
    plays on, and answers wait for nothing until it has caught up: should the server be killed before, what they said is
    lost. `math.inf`: they wait as long as it takes, and nothing ever is."""

    retry_pauses_seconds: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 5.0)
    """Pauses before a store that could not be written is tried again, the last one repeating: a lock is gone at the
    first, a database that is restarted at the fourth."""

    max_waiting_events: int = 10_000
    """Events kept in memory while the store cannot be written, 4 MB: an hour of knight with 32 players. Of what comes
    then it is noted how much it was."""

    max_waiting_snapshots: int = 64
    """Snapshots in memory meanwhile, of the newest matches, one each: 0.5 MB of a world of 1,000 entities."""

    max_refused_calls_per_second: float = 2.0
    """Refused calls that are noted of one client, and as many at once: a bot that is refused 64 times a second says no
    more than that. The next one that is noted says how many were not."""

    load_patience_seconds: float = 3.0
    """How long somebody who comes waits until its saves are read; then it is turned away, since it would begin with
    nothing and overwrite them."""

    max_saves_of_one_owner: int = 256
    """More entities of one player are not kept; 100 kB of memory and a tenth of a millisecond a tick."""

    flush_seconds: float = 10.0
    """How long a server that is shut down waits until all that was accepted is written."""

    keep_days: float | None = None
    """Matches that ended longer ago are deleted, with their events and snapshots; None: never. Saves stay."""

    max_store_bytes: int | None = None
    """While the store is larger, the oldest ended matches are deleted; None: it may grow."""

    tidy_seconds: float = 600.0
    """How often it is looked whether there is something to delete."""

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            ValueError: With the name and the value.
        """
        for name in ("snapshot_seconds", "max_waiting_events", "max_waiting_snapshots", "max_saves_of_one_owner"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} must be above 0")
        if not self.retry_pauses_seconds or not min(self.retry_pauses_seconds) > 0:
            raise ValueError(f"retry_pauses_seconds={self.retry_pauses_seconds}: give one or more, each above 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig:
    """How a server treats its clients."""

    transport: TransportConfig = field(default_factory=TransportConfig)
    tcp: TcpConfig = field(default_factory=TcpConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    rooms: RoomConfig | None = None
    """Several games side by side; None: one, in which everybody is."""

    state_budget_bytes: int = 16_384
    """State one client gets in one send tick: 480 kB/s at 30 sends. A late join is spread over as many as it takes."""

    input_window_ticks: int = 64
    """How far ahead of the server's tick an input may lie: a second at 60 Hz. Beyond it is refused."""

    max_inputs_per_tick: int = 256
    """Inputs of one client read in one tick, repetitions and all: 8 of our messages, as they come together after a
    stall, and 0.2 ms of work. Of more the newest are read; they repeat what of the others still matters. 255 at least,
    which is what one message may hold."""

    input_hold_seconds: float = 0.25
    """How long a missing input repeats the last one before neutral takes its place."""

    max_catch_up_ticks: int = 5
    """Ticks a stalled host runs at once; the rest is skipped, or it would only fall further behind."""

    resume_grace_seconds: float | None = None
    """How long the place and the entity of a player are kept whose connection broke off, on top of the transport's
    idle_timeout_seconds. 0: not at all. None: as the game says, which has to decide what an entity does that nobody
    steers."""

    max_clients_per_network: int = 64
    """Places that the players of one IPv4 address or IPv6 /64 may take: a classroom behind one address fits, and nobody
    takes every place of a large server from one. Over TCP, `TcpConfig.max_streams_per_network` comes before."""

    introduction_seconds: float = 5.0
    """How long a client that is asked who it is may take to say so, once its connection is up: as long as for its
    handshake. Until then it sees nothing of the world and has no place."""

    max_introductions: int = 128
    """Clients that are asked at once, and whose password is looked at: as many as `AccountConfig.max_waiting`. Others
    hear that the server is busy."""

    max_introductions_per_network: int = 64
    """Of these, from one IPv4 address or IPv6 /64: a school that logs in at once."""

    inspectors: Inspectors = Inspectors.LOOPBACK
    """From where the server may be looked into by who holds its private key; see `ecsnet inspect`."""

    max_inspectors: int = 4
    """Of these at once, beside all players: a person or two, and a program that keeps an eye on it. They share what a
    tick spends on showing, so that more of them cost no tick more, but wait longer."""

    max_offered_tickets: int = 8
    """Resume tickets of one session that were given out and not confirmed: one per attempt to come back. The oldest is
    forgotten first; who has no newer one joins as a new player."""

    def __post_init__(self) -> None:
        """Refuse a limit that no message passes."""
        if self.max_inputs_per_tick < MAX_INPUTS:
            raise ValueError(f"max_inputs_per_tick={self.max_inputs_per_tick}: one message may hold {MAX_INPUTS}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientConfig:
    """How a client predicts and sends."""

    transport: TransportConfig = field(default_factory=TransportConfig)
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    input_rate_hz: float = 30.0
    """Input messages a second. Each carries every unacknowledged input, so no tick's input waits for a rate."""

    inputs_per_message: int = 32
    """Most inputs one message repeats: half a second at 60 Hz, so that many lost messages in a row cost nothing."""

    input_delay_ticks: int = 0
    """How many ticks after a key it acts, on this client as on the server: so many ticks less have to be predicted, and
    simulated again when they were wrong. For games in which a late answer is better than one that is mended."""

    fade_seconds: float = 0.1
    """In which two thirds of what was drawn wrongly of one's own player are gone: shorter looks like a jump, longer
    shows for longer what is not so. 0: at once."""

    others_fade_seconds: float = 0.25
    """The same of all others, which nobody steers by: a runner who begins to be predicted catches up some 55 units, and
    looks not quite twice as fast for it."""

    max_rollback_ticks: int = 40
    """Most ticks simulated again at once: a round trip of 600 ms at 60 Hz. Beyond it the server's state is shown."""

    max_catch_up_ticks: int = 5
    """Ticks run at once after a stall, e.g. while a window is dragged."""

    retry_seconds: float = 30.0
    """How long a client whose connection broke off tries to come back, with its ticket, before it gives up: twice as
    long as the grace time of most servers, for after that it still comes back as a new player. 0: not at all."""

    retry_pauses_seconds: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    """Pauses between the attempts, the last one repeating. One attempt takes up to `HandshakeConfig.timeout_seconds`,
    in which it asks ten times; over TCP it may fail at once."""
