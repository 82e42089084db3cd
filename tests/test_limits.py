"""Every bound by name: what it is, where it lives, and the test that reaches it.

To add a bound, add a row. `where` is "module:name" or "module:Class.field" of a configuration; `reached_by` is the test
that goes up to it and beyond. A limit in the configuration of the transport without a row fails the last test here.
"""

import ast
import importlib
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from ecsnet.config import GuardConfig, HandshakeConfig, TransportConfig

ROOT = Path(__file__).resolve().parents[1]
HANDSHAKE, CONFIG = "ecsnet.config:HandshakeConfig", "ecsnet.config:TransportConfig"
GUARD = "ecsnet.config:GuardConfig"
ACCOUNT = "ecsnet.config:AccountConfig"
REPLICATION = "ecsnet.config:ReplicationConfig"
INSPECTION = "tests/simulation/test_inspection.py"
PERSISTENCE, KEPT = "ecsnet.config:PersistenceConfig", "tests/simulation/test_persistence.py"
RECORDING = "tests/recording"
TESTS, CHECKS = "tests/transport", "tests/replication/test_checks.py"


class Bound(NamedTuple):
    """One row."""

    name: str
    limit: float
    where: str
    reached_by: str


BOUNDS = (
    # Persistence.
    Bound("events that wait for the store", 10_000, f"{PERSISTENCE}.max_waiting_events",
          f"{KEPT}::test_what_does_not_fit_into_memory_is_counted"),
    Bound("snapshots that wait for the store", 64, f"{PERSISTENCE}.max_waiting_snapshots",
          "tests/simulation/test_persistence_faults.py::test_an_outage_of_days_takes_no_more_memory_than_one_of_minutes"),
    Bound("saves of one player", 256, f"{PERSISTENCE}.max_saves_of_one_owner",
          f"{KEPT}::test_a_player_has_no_more_saves_than_there_may_be"),
    Bound("refused calls of one client noted in a second", 2.0, f"{PERSISTENCE}.max_refused_calls_per_second",
          f"{KEPT}::test_refused_calls_are_kept_and_a_flood_of_them_is_counted"),
    Bound("seconds an answer waits for the store", 1.0, f"{PERSISTENCE}.answer_patience_seconds",
          f"{KEPT}::test_a_store_that_takes_too_long_holds_nobody_up"),
    Bound("seconds a newcomer waits for its saves", 3.0, f"{PERSISTENCE}.load_patience_seconds",
          f"{KEPT}::test_who_cannot_be_looked_up_is_turned_away"),
    Bound("names of matches remembered", 256, "ecsnet.archive:REMEMBERED_MATCHES",
          f"{KEPT}::test_two_matches_that_begin_in_the_same_second_have_two_names"),
    Bound("levels of lists in lists that are kept", 32, "ecsnet.storage.values:MAX_DEPTH",
          "tests/storage/test_storedvalues.py::test_what_holds_itself_is_refused"),
    # Handshakes.
    Bound("pending handshakes", 64, f"{HANDSHAKE}.max_pending",
          f"{TESTS}/test_handshake.py::test_64_handshakes_are_pending_at_most"),
    Bound("pending handshakes of one network", 4, f"{HANDSHAKE}.max_pending_per_network",
          f"{TESTS}/test_handshake.py::test_4_handshakes_of_one_network_are_pending_at_most"),
    Bound("seconds a handshake is pending", 5.0, f"{HANDSHAKE}.timeout_seconds",
          f"{TESTS}/test_endpoint.py::test_whoever_never_confirms_is_forgotten_after_five_seconds"),
    Bound("attempts remembered as over", 1024, f"{HANDSHAKE}.max_settled",
          f"{TESTS}/test_handshake.py::test_attempts_dealt_with_are_remembered_within_a_bound"),
    Bound("challenges answered in one attempt", 4, f"{HANDSHAKE}.max_challenges",
          f"{TESTS}/test_handshake_hostile.py::test_forged_challenges_cannot_push_out_the_true_one"),
    Bound("attempts with a wrong password remembered", 64, "ecsnet.transport.serverhandshake:MAX_WRONG_PASSWORDS",
          f"{TESTS}/test_patterns.py::test_each_wrong_password_is_noted_once_and_few_are_remembered"),
    Bound("bytes of INIT and HELLO", 1200, f"{HANDSHAKE}.datagram_bytes",
          f"{TESTS}/test_handshake.py::test_every_datagram_is_told_by_its_first_byte_and_has_its_size"),
    # Packets.
    Bound("sent records", 1024, "ecsnet.transport.acks:ACK_RANGE",
          f"{TESTS}/test_loss.py::test_no_more_is_on_its_way_than_an_ack_can_name"),
    Bound("replay window", 1024, "ecsnet.transport.acks:ACK_RANGE",
          f"{TESTS}/test_brimful.py::test_the_replay_window_reaches_1024_below_the_largest"),
    Bound("bytes of an ACK's bitmap", 128, "ecsnet.transport.packet:MAX_BITMAP_BYTES",
          f"{TESTS}/test_acks.py::test_an_ack_never_goes_back_further_than_its_frame_can"),
    Bound("frames per packet", 255, "ecsnet.transport.packet:MAX_FRAMES",
          f"{TESTS}/test_brimful.py::test_a_packet_holds_255_frames"),
    Bound("channels", 32, "ecsnet.transport.packet:MAX_CHANNELS",
          f"{TESTS}/test_brimful.py::test_a_table_holds_32_channels"),
    Bound("bytes of a datagram", 1200, f"{CONFIG}.datagram_bytes",
          f"{TESTS}/test_connection.py::test_the_callers_mistakes_raise_at_once"),
    Bound("bytes of a text in CLOSE", 255, "ecsnet.transport.packet:MAX_CLOSE_TEXT_BYTES",
          f"{TESTS}/test_packet.py::test_a_close_text_is_cut_between_characters_and_shows_no_tricks"),
    Bound("packets under one key", 1 << 22, "ecsnet.transport.crypto:EPOCH_PACKETS",
          f"{TESTS}/test_crypto.py::test_the_key_is_renewed_by_the_number_alone"),
    Bound("packet numbers", 1 << 62, "ecsnet.transport.crypto:PACKET_NUMBER_LIMIT",
          f"{TESTS}/test_crypto.py::test_numbers_that_leap_or_run_out_are_refused"),
    Bound("packets a missing one may be overtaken by", 64, "ecsnet.transport.reordering:MAX_PACKETS",
          f"{TESTS}/test_reordering.py::test_patience_has_a_limit_and_is_lost_again"),
    # What waits to be sent.
    Bound("reliable send queue of a client", 262_144, f"{CONFIG}.client_send_queue_bytes",
          f"{TESTS}/test_brimful.py::test_a_send_queue_takes_what_it_may_and_not_a_byte_more"),
    Bound("reliable send queue of a server", 1_048_576, f"{CONFIG}.server_send_queue_bytes",
          f"{TESTS}/test_brimful.py::test_a_send_queue_takes_what_it_may_and_not_a_byte_more"),
    Bound("bytes a message counts in a reliable send queue beside its own", 384, f"{CONFIG}.queued_overhead_bytes",
          f"{TESTS}/test_brimful.py::test_empty_messages_fill_a_queue_too"),
    Bound("unreliable bytes not yet packed", 262_144, f"{CONFIG}.max_unreliable_queue_bytes",
          f"{TESTS}/test_brimful.py::test_unreliable_messages_wait_up_to_the_limit_and_the_oldest_go"),
    Bound("bytes on their way before anything is known", 12_000, f"{CONFIG}.initial_window_bytes",
          f"{TESTS}/test_congestion.py::test_after_a_time_without_any_arrival_it_begins_anew"),
    Bound("bytes on their way on the worst of paths", 2400, f"{CONFIG}.min_window_bytes",
          f"{TESTS}/test_congestion.py::test_the_window_never_falls_below_the_floor"),
    Bound("bytes on their way on the best of paths", 1_048_576, f"{CONFIG}.max_window_bytes",
          f"{TESTS}/test_congestion.py::test_it_ends_at_the_ceiling"),
    Bound("unreliable bytes left over from a call", 65_536, f"{CONFIG}.unreliable_backlog_bytes",
          f"{TESTS}/test_bottleneck.py::test_state_is_not_starved_by_a_download_on_a_narrow_link"),
    Bound("bytes sent in one call", 524_288, f"{CONFIG}.send_budget_bytes",
          f"{TESTS}/test_connection_traffic.py::test_the_budget_bounds_a_call_and_asks_for_no_more_than_fits"),
    # Reliable channels.
    Bound("reliable window in messages", 1024, f"{CONFIG}.reliable_window_messages",
          f"{TESTS}/test_brimful.py::test_who_sends_beyond_the_window_is_closed"),
    Bound("reliable window in bytes", 262_144, f"{CONFIG}.reliable_window_bytes",
          f"{TESTS}/test_reliable.py::test_the_window_counts_bytes_but_lets_one_message_always_through"),
    Bound("bytes of a reliable message", 262_144, f"{CONFIG}.max_reliable_message_bytes",
          f"{TESTS}/test_connection_traffic.py::test_a_message_of_any_size_arrives_as_it_was_sent"),
    Bound("fragments of a message", 256, f"{CONFIG}.max_fragments",
          f"{TESTS}/test_reliable.py::test_no_message_is_longer_than_its_fragments_can_be_counted"),
    # What has arrived.
    Bound("received and held for order or reassembly", 524_288, f"{CONFIG}.receive_buffer_bytes",
          f"{TESTS}/test_brimful.py::test_who_fills_the_receive_buffer_is_closed_and_all_is_let_go"),
    Bound("delivered and not read", 262_144, f"{CONFIG}.max_inbox_bytes",
          f"{TESTS}/test_brimful.py::test_an_inbox_nobody_reads_stops_at_its_limit"),
    Bound("fragments of an unreliable message", 16, f"{CONFIG}.max_unreliable_fragments",
          f"{TESTS}/test_connection.py::test_an_unreliable_message_of_too_many_datagrams_is_refused"),
    Bound("incomplete unreliable messages", 4, f"{CONFIG}.max_unreliable_assemblies",
          f"{TESTS}/test_inbox.py::test_parts_of_unreliable_messages_are_few_and_the_oldest_goes"),
    Bound("reliable messages sent and not read", 327_680, f"{CONFIG}.credit_bytes",
          f"{TESTS}/test_connection.py::test_a_peer_that_never_reads_stops_the_sender_not_the_memory"),
    Bound("seconds without an acknowledgement of what waits", 30.0, f"{CONFIG}.stall_timeout_seconds",
          f"{TESTS}/test_connection.py::test_a_peer_that_reads_nothing_for_too_long_is_closed_and_told_why"),
    # Whom a server keeps out.
    Bound("handshakes of one network at once", 64, f"{GUARD}.handshakes_at_once",
          f"{TESTS}/test_doorkeeper.py::test_a_network_may_knock_so_often_and_its_neighbour_does_not_suffer"),
    Bound("strikes until a block", 3, f"{GUARD}.strikes_until_block",
          f"{TESTS}/test_doorkeeper.py::test_the_third_strike_blocks_and_each_block_lasts_twice_as_long"),
    Bound("seconds of the longest block", 86_400.0, f"{GUARD}.max_block_seconds",
          f"{TESTS}/test_doorkeeper.py::test_the_third_strike_blocks_and_each_block_lasts_twice_as_long"),
    Bound("networks remembered", 4096, f"{GUARD}.max_networks",
          f"{TESTS}/test_doorkeeper.py::test_what_is_remembered_is_bounded"),
    Bound("RESETs a second", 100.0, f"{GUARD}.resets_per_second",
          f"{TESTS}/test_reset.py::test_a_reset_answers_only_what_is_larger_and_not_too_often"),
    Bound("bytes of one client at once", 4_000_000.0, f"{GUARD}.inbound_burst_bytes",
          f"{TESTS}/test_endpoint.py::test_a_client_that_floods_is_slowed_down_and_then_closed"),
    Bound("bytes of one client a second", 1_000_000.0, f"{GUARD}.inbound_bytes_per_second",
          f"{TESTS}/test_endpoint.py::test_a_client_that_sends_as_much_as_it_may_is_not_touched"),
    Bound("bytes of a trace", 1 << 30, "ecsnet.transport.trace:MAX_TRACE_BYTES",
          f"{TESTS}/test_trace.py::test_a_forgotten_trace_does_not_fill_the_disk"),
    # Streams.
    Bound("bytes sent over a stream and not acknowledged", 65_536, f"{CONFIG}.stream_window_bytes",
          f"{TESTS}/test_stream.py::test_with_the_window_full_the_newest_unreliable_messages_are_kept"),
    # A whole connection.
    Bound("bytes a connection takes, filled by its peer", 1_600_000, "tests.transport.test_brimful:HARD_BYTES",
          f"{TESTS}/test_brimful.py::test_what_a_peer_can_make_us_hold_is_bounded"),
    Bound("bytes an idle connection takes", 20_000, "tests.transport.test_brimful:IDLE_BYTES",
          f"{TESTS}/test_brimful.py::test_an_idle_connection_takes_20_kb"),
    # A server.
    Bound("clients asked who they are at once", 128, "ecsnet.config:ServerConfig.max_introductions",
          "tests/simulation/test_logging_in.py::test_few_are_asked_at_once"),
    Bound("of these, of one network", 64, "ecsnet.config:ServerConfig.max_introductions_per_network",
          "tests/simulation/test_logging_in.py::test_few_of_one_network_are_asked_at_once"),
    Bound("seconds until a client says who it is", 5.0, "ecsnet.config:ServerConfig.introduction_seconds",
          "tests/simulation/test_logging_in.py::test_who_does_not_say_who_it_is_within_5_seconds_is_sent_away"),
    Bound("messages that overtake a welcome", 256, "ecsnet.conversation:MAX_EARLY_MESSAGES",
          "tests/simulation/test_logging_in.py::test_a_server_that_never_welcomes_fills_no_memory"),
    Bound("bytes of a greeting", 1024, "ecsnet.admission:MAX_GREETING_BYTES",
          "tests/simulation/test_logging_in.py::test_what_is_too_long_to_be_said_raises_at_once"),
    Bound("passwords that wait to be hashed", 128, f"{ACCOUNT}.max_waiting",
          "tests/test_accounts.py::test_128_passwords_wait_at_most"),
    Bound("wrong passwords for one name at once", 10, f"{ACCOUNT}.attempts_at_once",
          "tests/test_accounts.py::test_a_name_takes_10_wrong_passwords_at_once_and_then_one_in_30_seconds"),
    Bound("wrong passwords of one network at once", 64, f"{ACCOUNT}.network_attempts_at_once",
          "tests/test_accounts.py::test_a_network_takes_64_wrong_passwords_at_once_and_then_one_in_5_seconds"),
    Bound("names and networks of attempts remembered", 4096, f"{ACCOUNT}.max_remembered",
          "tests/test_accounts.py::test_what_is_remembered_of_attempts_is_bounded"),
    Bound("bytes of a password", 256, f"{ACCOUNT}.max_password_bytes",
          "tests/test_passwordhash.py::test_a_password_has_8_characters_at_least_and_256_bytes_at_most"),
    Bound("characters of a password at least", 8, f"{ACCOUNT}.min_password_characters",
          "tests/test_passwordhash.py::test_a_password_has_8_characters_at_least_and_256_bytes_at_most"),
    Bound("memory of a hash, in KiB", 1 << 20, "ecsnet.passwordhash:MAX_MEMORY_KIB",
          "tests/test_passwordhash.py::test_what_is_no_sound_hash_is_refused_with_the_fix"),
    Bound("seconds another process may hold the accounts", 5.0, "ecsnet.accountfile:PATIENCE_SECONDS",
          "tests/test_accountfile.py::test_whoever_holds_the_file_for_long_is_waited_for_and_then_named"),
    Bound("places of the players of one network", 64, "ecsnet.config:ServerConfig.max_clients_per_network",
          "tests/hostile/test_floods.py::test_slot_exhaustion_by_players_of_one_address_leaves_places_for_others"),
    Bound("inspectors at once", 4, "ecsnet.config:ServerConfig.max_inspectors",
          f"{INSPECTION}::test_four_look_at_once_and_the_fifth_waits_until_one_has_left"),
    Bound("lines said to inspectors in one tick", 32, "ecsnet.systems.inspection:SLICE_LINES",
          "tests/systems/test_showing.py::test_all_answers_together_take_32_lines_of_a_tick"),
    Bound("bytes an inspector has not read, while more is made", 131_072, "ecsnet.inspection:UNREAD_BYTES",
          f"{INSPECTION}::test_who_does_not_read_is_not_written_to"),
    Bound("bytes an answer to an inspector unfolds to", 1 << 28, "ecsnet.systems.inspection:MAX_ANSWER_BYTES",
          "tests/systems/test_showing.py::test_an_answer_unfolds_to_its_limit_and_no_further"),
    Bound("datagrams of strangers in one pass", 32, "ecsnet.runtime:STRANGERS_A_PASS",
          "tests/test_runtime.py::test_a_tick_does_not_wait_for_a_pile_of_junk"),
    Bound("datagrams in one pass", 4096, "ecsnet.runtime:MAX_READ",
          "tests/test_runtime.py::test_a_tick_has_all_that_the_players_sent"),
    Bound("inputs of a client read in one tick", 256, "ecsnet.config:ServerConfig.max_inputs_per_tick",
          "tests/hostile/test_cheats.py::test_a_flood_of_inputs_is_bounded_work_and_memory"),
    Bound("seconds a world is rewound", 0.25, "ecsnet.game:USUAL_REWIND_SECONDS",
          "tests/systems/test_lagcompensation.py::test_the_past_ends_at_250_ms"),
    Bound("ticks a world is rewound, whatever is configured", 63.75, "ecsnet.systems.lagcompensation:MAX_LAG_TICKS",
          "tests/systems/test_lagcompensation.py::test_how_much_is_kept_is_configured_and_bounded"),
    Bound("events of a server queued", 4096, "ecsnet.attendance:MAX_EVENTS",
          "tests/simulation/test_sessions.py::test_a_host_that_never_asks_for_events_keeps_the_newest"),
    # A client.
    Bound("events of a client's earlier updates queued", 4096, "ecsnet.client:MAX_EVENTS",
          "tests/simulation/test_events.py::test_of_a_game_that_does_not_ask_the_newest_are_kept"),
    # Checks of what rests.
    Bound("bytes of checks in a send tick", 64, f"{REPLICATION}.check_bytes",
          f"{CHECKS}::test_checks_take_few_bytes_however_much_there_is"),
    Bound("entities a complaint is about", 8, "ecsnet.replication.checks:MAX_COMPLAINTS",
          f"{CHECKS}::test_a_client_complains_once_a_second_some_times_about_a_few"),
    Bound("times a client complains about an entity", 10, "ecsnet.replication.checks:TIMES_SAID",
          f"{CHECKS}::test_a_client_complains_once_a_second_some_times_about_a_few"),
    Bound("entities complained of once, remembered", 64, "ecsnet.replication.checks:MAX_SUSPECTS",
          f"{CHECKS}::test_who_only_pretends_to_differ_costs_little"),
    Bound("answers to complaints of one client a minute", 64, f"{REPLICATION}.answers_per_minute",
          f"{CHECKS}::test_who_only_pretends_to_differ_costs_little"),
    # Recordings.
    Bound("bytes that wait for the disk of a recording", 1 << 24, "ecsnet.recording.recorder:MAX_WAITING_BYTES",
          f"{RECORDING}/test_recorder.py::"
          "test_where_the_disk_does_not_keep_up_the_recording_ends_readably_and_the_game_plays_on"),
    Bound("bytes of a recording packed at once", 1 << 20, "ecsnet.recording.recorder:MAX_BLOCK_BYTES",
          f"{RECORDING}/test_recorder.py::test_a_second_of_much_is_several_blocks"),
    Bound("recordings of one name", 100, "ecsnet.recording.folder:MAX_SAME_NAMES",
          f"{RECORDING}/test_recorder.py::test_a_folder_that_cannot_be_is_refused_at_once"),
    Bound("bytes of a block of a recording, unpacked", 1 << 28, "ecsnet.recording.format:MAX_BODY_BYTES",
          f"{RECORDING}/test_format.py::test_what_unpacks_to_more_than_may_be_is_refused"),
    Bound("bytes of what a recording says of itself", 1 << 22, "ecsnet.recording.format:MAX_HEADER_BYTES",
          f"{RECORDING}/test_format.py::test_what_unpacks_to_more_than_may_be_is_refused"),
    Bound("events of a playback that nobody asks for", 4096, "ecsnet.recording.playback:MAX_EVENTS",
          f"{RECORDING}/test_playback.py::test_of_a_host_that_never_asks_the_newest_events_are_kept"),
)  # fmt: skip

# Named like limits, but these bound nothing that is held.
PRICES = {"padded_bytes", "held_overhead_bytes", "message_overhead_bytes", "duplicate_bytes", "inbound_packet_bytes"}


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_bound_is_where_it_is_said_to_be(bound: Bound) -> None:
    assert value_at(bound.where) == bound.limit


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_bound_is_reached_by_a_test(bound: Bound) -> None:
    """The test exists, under this name, where pytest finds it."""
    path, _, name = bound.reached_by.partition("::")

    assert name.startswith("test_")
    assert name in functions_of(path)


@pytest.mark.parametrize("config", [HandshakeConfig, GuardConfig, TransportConfig])
def test_no_limit_of_the_transport_is_left_out(
    config: type[HandshakeConfig] | type[GuardConfig] | type[TransportConfig],
) -> None:
    """A limit nobody reaches is a limit nobody knows to hold."""
    listed = {bound.where for bound in BOUNDS}
    limits = [each.name for each in fields(config) if is_limit(each.name) and each.name not in PRICES]
    missing = [name for name in limits if f"ecsnet.config:{config.__name__}.{name}" not in listed]

    assert missing == [], "add a row to BOUNDS that names the test that reaches it"


def is_limit(name: str) -> bool:
    return "seconds" not in name and (name.startswith("max_") or name.endswith(("_bytes", "_messages")))


def value_at(where: str) -> object:
    module, _, path = where.partition(":")
    owner, _, field = path.partition(".")
    value = getattr(importlib.import_module(module), owner)
    return getattr(value(), field) if field else value


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
