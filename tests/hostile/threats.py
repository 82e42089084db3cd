"""Every threat the transport and the inputs answer, each with the tests that prove it: file::test, checked to exist.

Below the encryption sits a peer with true keys (`liar.py`), above it whoever can send and record datagrams.
`python -m tests.fuzz` looks for what nobody thought of.
"""

THREATS: dict[str, tuple[str, ...]] = {
    "looking into a server": (
        "simulation/test_inspection.py::test_without_the_key_nothing_tells_it_from_another_game",
        "simulation/test_inspection.py::test_the_key_alone_opens_from_the_same_machine",
        "simulation/test_inspection.py::test_who_goes_elsewhere_with_the_connection_is_closed",
        "simulation/test_inspection.py::test_the_servers_own_key_is_not_the_inspectors",
        "transport/test_handshake.py::test_a_reserved_application_exists_for_certain_keys_alone",
    ),
    "reflection": (
        "hostile/test_floods.py::test_reflection_returns_less_than_a_tenth_through_the_whole_endpoint",
        "hostile/test_floods.py::test_reflection_of_anything_but_init_returns_nothing",
        "transport/test_handshake_hostile.py::test_nothing_is_amplified",
    ),
    "spoofed flood": (
        "hostile/test_floods.py::test_a_spoofed_flood_is_forgotten_at_once_and_a_client_joins_within_a_second",
        "transport/test_handshake_hostile.py::test_a_flood_from_forged_addresses_leaves_no_trace",
    ),
    "cookie forgery": (
        "transport/test_handshake_hostile.py::test_an_edited_cookie_costs_no_key_exchange",
        "transport/test_handshake_hostile.py::test_a_stolen_cookie_is_worth_nothing_elsewhere",
        "transport/test_handshake_hostile.py::test_a_stale_hello_is_dropped",
        "transport/test_cookie.py::test_any_other_bit_address_port_attempt_or_time_is_unknown",
    ),
    "replay and duplicates": (
        "hostile/test_bytes.py::test_every_datagram_replayed_later_is_refused",
        "hostile/test_forgery.py::test_replay_of_a_whole_game_shuffled_changes_nothing_a_second_time",
        "transport/test_handshake.py::test_a_confirmed_handshake_cannot_be_replayed",
        "transport/test_handshake.py::test_duplicates_of_everything_change_nothing",
    ),
    "bit flips and truncation": (
        "hostile/test_bytes.py::test_every_byte_of_a_session_flipped_or_cut",
        "transport/test_handshake_hostile.py::test_an_edited_byte_of_hello_brings_nobody_in",
        "transport/test_handshake_hostile.py::test_an_edited_or_cut_reply_ends_nothing",
    ),
    "downgrade": (
        "hostile/test_forgery.py::test_a_downgrade_of_any_handshake_byte_fails_on_the_whole_path",
        "transport/test_handshake_hostile.py::test_an_edited_byte_of_challenge_brings_nobody_in",
        "transport/test_handshake_hostile.py::test_the_other_suite_is_not_taken_for_ours",
    ),
    "changed server key": (
        "transport/test_handshake_hostile.py::test_a_changed_server_key_is_the_reason_at_the_timeout",
        "transport/test_handshake_hostile.py::test_a_forged_challenge_with_another_key_does_not_end_the_attempt",
        "transport/test_connection.py::test_another_key_than_the_pinned_one_is_a_hard_end",
        "test_keys.py::test_a_known_server_with_another_key_is_an_error",
    ),
    "(key, nonce) reuse": (
        "hostile/test_forgery.py::test_no_key_and_nonce_pair_is_used_twice_over_reconnects_and_closes",
        "hostile/test_forgery.py::test_no_key_and_nonce_pair_is_used_twice_over_a_server_restart",
        "hostile/test_forgery.py::test_no_key_and_nonce_pair_is_used_twice_when_hellos_are_replayed",
        "hostile/test_forgery.py::test_no_key_and_nonce_pair_is_used_twice_across_a_whole_game",
        "transport/test_crypto.py::test_a_number_is_never_sealed_twice",
    ),
    "kick by forged close": (
        "hostile/test_forgery.py::test_a_forged_close_kicks_nobody",
        "hostile/test_forgery.py::test_a_forged_close_of_an_earlier_session_kicks_nobody",
        "hostile/test_forgery.py::test_a_close_sent_back_to_its_sender_kicks_nobody",
        "hostile/test_forgery.py::test_a_refusal_recorded_elsewhere_ends_no_attempt",
    ),
    "address theft": (
        "hostile/test_forgery.py::test_address_theft_by_replay_moves_nothing",
        "hostile/test_forgery.py::test_address_theft_of_a_stolen_packet_gives_the_thief_less_than_three_times_its_bytes",
    ),
    "optimistic acks": (
        "hostile/test_lies.py::test_an_optimistic_ack_of_a_packet_never_sent_ends_the_liar",
        "hostile/test_lies.py::test_an_optimistic_ack_of_a_packet_that_was_lost_harms_the_liar_alone",
    ),
    "fragment bombs": (
        "hostile/test_lies.py::test_fragment_bomb_of_announced_totals_holds_nothing",
        "hostile/test_lies.py::test_fragment_bomb_of_endless_beginnings_goes_off_at_the_limit",
        "hostile/test_lies.py::test_fragment_bomb_of_contradictions_is_a_protocol_error",
        "hostile/test_lies.py::test_fragment_bomb_of_the_same_part_again_counts_once",
        "transport/test_inbox.py::test_a_message_that_grows_too_long_breaks_the_protocol",
    ),
    "peer that never reads": (
        "hostile/test_lies.py::test_a_peer_that_never_reads_stops_the_sender_at_its_limit",
        "hostile/test_lies.py::test_a_peer_that_slows_us_down_does_not_make_empty_messages_pile_up",
        "hostile/test_lies.py::test_a_peer_that_never_reads_is_no_trouble_to_another",
        "hostile/test_lies.py::test_a_peer_that_acknowledges_and_never_reads_its_application_is_bounded_too",
    ),
    "authenticated flood": (
        "hostile/test_lies.py::test_an_authenticated_flood_takes_bounded_memory_while_the_victim_reads",
        "hostile/test_decoders.py::test_an_authenticated_flood_of_calls_leaves_the_other_players_ticks_alone",
    ),
    "decoder bombs": (
        "hostile/test_decoders.py::test_decoder_bomb_in_admission_is_refused_with_bounded_memory",
        "hostile/test_decoders.py::test_decoder_bomb_in_a_schema_unfolds_to_a_bound",
        "hostile/test_decoders.py::test_decoder_bomb_in_a_schema_shows_the_player_a_screen_without_tricks",
        "hostile/test_decoders.py::test_decoder_bomb_as_credentials_is_refused_by_a_server",
        "hostile/test_decoders.py::test_decoder_bomb_as_welcome_ends_the_client_with_a_reason",
        "hostile/test_decoders.py::test_decoder_bomb_in_a_call_closes_the_caller_alone",
        "hostile/test_decoders.py::test_decoder_bomb_as_input_gains_nothing",
        "hostile/test_decoders.py::test_decoder_bomb_as_state_ends_the_client_with_a_reason",
        "hostile/test_decoders.py::test_decoder_bomb_of_no_number_in_state_is_refused",
    ),
    "hidden records": (
        "hostile/test_hidden_records.py::test_nothing_hidden_is_in_any_datagram",
        "hostile/test_hidden_records.py::test_what_a_client_hears_does_not_depend_on_what_only_others_see",
        "hostile/test_hidden_records.py::test_a_server_that_tells_too_much_is_found_out",
    ),
    "tiny-frame spam": (
        "hostile/test_lies.py::test_tiny_frame_spam_is_bounded",
        "hostile/test_lies.py::test_tiny_frame_spam_beyond_255_frames_is_a_protocol_error",
    ),
    "slot exhaustion": (
        "hostile/test_floods.py::test_slot_exhaustion_by_one_address_leaves_room_for_all_others",
        "hostile/test_floods.py::test_slot_exhaustion_by_players_of_one_address_leaves_places_for_others",
        "hostile/test_floods.py::test_slot_exhaustion_by_many_addresses_ends_after_five_seconds",
        "hostile/test_floods.py::test_slot_exhaustion_by_recorded_hellos_takes_no_second_place",
    ),
    "password guessing": (
        "test_accounts.py::test_a_name_takes_10_wrong_passwords_at_once_and_then_one_in_30_seconds",
        "test_accounts.py::test_a_network_takes_64_wrong_passwords_at_once_and_then_one_in_5_seconds",
        "test_accounts.py::test_a_wrong_name_takes_as_long_as_a_wrong_password",
        "test_accounts.py::test_nobody_can_lock_a_player_out_from_elsewhere",
        "test_passwordhash.py::test_a_guess_costs_what_owasp_recommends",
    ),
    "strangers that are asked": (
        "simulation/test_logging_in.py::test_who_does_not_say_who_it_is_within_5_seconds_is_sent_away",
        "simulation/test_logging_in.py::test_who_says_anything_else_before_it_is_welcomed_breaks_the_protocol",
        "simulation/test_logging_in.py::test_few_are_asked_at_once",
        "simulation/test_logging_in.py::test_nothing_of_the_world_is_told_and_no_place_taken_before_the_password_is_right",
    ),
    "taking another's place": (
        "simulation/test_one_player_once.py::test_a_wrong_password_disturbs_nobody",
        "simulation/test_one_player_once.py::test_a_recorded_request_of_a_known_player_puts_nobody_out",
        "simulation/test_one_player_once.py::test_only_who_has_proved_who_it_is_is_known_again",
        "test_accountnames.py::test_names_that_people_cannot_tell_apart_are_one",
    ),
    "slow-loris": (
        "loopback/test_tcp.py::test_slow_loris_a_first_record_must_come_in_time",
        "loopback/test_tcp.py::test_slow_loris_every_record_must_become_whole_in_time",
        "transport/test_stream.py::test_a_visitor_without_a_handshake_is_shown_out",
    ),
    "low-order keys": (
        "transport/test_handshake_hostile.py::test_low_order_keys_are_dropped_silently",
        "transport/test_noise.py::test_low_order_keys_are_refused",
        "hostile/test_low_order_keys.py::test_low_order_keys_get_no_answer_and_cost_no_state",
    ),
    "backward clock": (
        "hostile/test_backward_clock.py::test_a_backward_clock_at_every_verb_of_server_and_client_changes_nothing",
        "hostile/test_backward_clock.py::test_a_backward_clock_at_every_verb_of_a_connection_changes_nothing",
        "hostile/test_backward_clock.py::test_a_backward_clock_does_not_revive_a_dead_connection_nor_kill_a_live_one",
        "transport/test_handshake.py::test_a_clock_that_runs_backward_is_held",
    ),
    "fuzzed bytes": (
        "hostile/test_fuzz.py::test_a_short_run_of_every_target_finds_nothing",
        "hostile/test_fuzz.py::test_any_frames_of_a_peer_with_true_keys_are_borne",
    ),
    "speed hacks": (
        "hostile/test_cheats.py::test_speed_beyond_the_declared_range_is_refused_whole_and_counted",
        "hostile/test_cheats.py::test_speed_by_more_inputs_than_ticks_is_one_input_a_tick",
        "hostile/test_cheats.py::test_speed_by_inputs_of_the_future_is_none",
        "hostile/test_cheats.py::test_speed_by_ticks_of_the_far_future_and_past_is_refused_and_counted",
        "hostile/test_cheats.py::test_speed_by_our_own_client_with_its_clock_twice_as_fast_is_none",
    ),
    "second thoughts": (
        "hostile/test_cheats.py::test_an_input_sent_far_ahead_cannot_be_taken_back_when_more_is_known",
    ),
    "teleports": (
        "hostile/test_cheats.py::test_teleport_by_a_state_message_ends_the_cheat",
        "hostile/test_cheats.py::test_teleport_by_a_channel_there_is_not_ends_the_cheat",
        "hostile/test_cheats.py::test_teleport_by_the_bytes_of_a_state_on_any_channel_moves_nobody",
    ),
    "inputs for others": (
        "hostile/test_cheats.py::test_inputs_move_nothing_of_others",
        "hostile/test_cheats.py::test_inputs_end_with_the_ownership",
        "hostile/test_cheats.py::test_inputs_of_who_is_gone_drive_nothing",
        "hostile/test_cheats.py::test_inputs_of_before_a_resume_drive_nothing_after_it",
        "hostile/test_cheats.py::test_inputs_over_two_connections_of_one_player_are_those_of_the_second",
    ),
    "lag switches": (
        "hostile/test_cheats.py::test_a_lag_switch_gains_nothing",
        "hostile/test_cheats.py::test_a_lag_switch_on_our_own_client_makes_nobody_faster",
    ),
    "input floods": (
        "hostile/test_cheats.py::test_a_flood_of_inputs_is_bounded_work_and_memory",
        "systems/test_input.py::test_of_many_messages_the_newest_are_read",
    ),
    "lies about the lag": (
        "hostile/test_cheats.py::test_a_lie_about_the_lag_gains_no_more_than_the_cap",
        "hostile/test_cheats.py::test_a_shot_withheld_until_it_is_sure_to_hit_gains_no_more_than_the_cap",
        "simulation/test_lag_compensation.py::test_who_claims_a_larger_lag_gains_the_cap_and_no_more",
    ),
}
