"""What is said when joining came to nothing."""

import pytest

from ecsnet.advice import told_end
from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason

GAME = Game("ludo")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (DisconnectReason.WRONG_GAME, "no than 'ludo': add --game, as in the line that the server printed"),
        (DisconnectReason.WRONG_PASSWORD, "no: add --password"),
        (DisconnectReason.BAD_ACCOUNT, "no: add --account NAME"),
        (DisconnectReason.SERVER_FULL, "no"),
    ],
)
def test_the_option_that_helps_is_named(reason: DisconnectReason, told: str) -> None:
    """The server cannot know how it was called; the command can."""
    assert told_end((reason, "no"), GAME) == told


def test_what_was_given_is_not_asked_for_again() -> None:
    """It was wrong then, and the server says so."""
    password = told_end((DisconnectReason.WRONG_PASSWORD, "the password is wrong"), GAME, password="x")
    account = told_end((DisconnectReason.BAD_ACCOUNT, "there is no such account"), GAME, account="Ada")

    assert (password, account) == ("the password is wrong", "there is no such account")


def test_without_words_of_the_server_the_reason_speaks() -> None:
    """As where it did not answer at all."""
    assert told_end((DisconnectReason.HANDSHAKE_TIMEOUT, ""), GAME) == "the server did not answer"
