"""The words both ends share: they travel as numbers, so a number never changes its meaning."""

from ecsnet.protocol import DisconnectReason


def test_the_numbers_are_those_of_the_document() -> None:
    """Golden: they change only together with PROTOCOL_VERSION; new reasons go to the end."""
    assert [reason.name for reason in DisconnectReason] == [
        "UNKNOWN", "VERSION_MISMATCH", "WRONG_GAME", "SCHEMA_MISMATCH", "SERVER_FULL", "REFUSED", "KICKED",
        "SERVER_CLOSING", "LEFT", "TIMEOUT", "HANDSHAKE_TIMEOUT", "SERVER_KEY_MISMATCH", "PROTOCOL_ERROR",
        "BANNED", "WRONG_PASSWORD", "BAD_TOKEN", "SERVER_RESTARTED", "CONNECTION_LOST", "TOO_SLOW", "FLOODING",
        "ROOM_CLOSED", "BAD_ACCOUNT", "REPLACED",
    ]  # fmt: skip
    assert list(DisconnectReason) == list(range(23))


def test_every_reason_has_a_sentence_for_people() -> None:
    texts = [reason.text for reason in DisconnectReason]

    assert all(text and text == text.strip() and "\n" not in text for text in texts)
    assert len(set(texts)) == len(texts)


def test_a_reason_of_a_later_version_is_unknown_not_an_error() -> None:
    assert DisconnectReason.from_code(12) is DisconnectReason.PROTOCOL_ERROR
    assert DisconnectReason.from_code(4711) is DisconnectReason.UNKNOWN
