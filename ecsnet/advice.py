"""What the commands that join say when it came to nothing: the server's words, and which option helps."""

from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason

__all__ = ["told_end"]


def told_end(ended: tuple[DisconnectReason, str], game: Game, *, password: str = "", account: str = "") -> str:
    """Return why a connection ended, with what to add to the command.

    Args:
        ended: As `client.disconnected` has it.
        game: What was to be played.
        password: What was given; if none was, that may be the matter.
        account: Likewise.
    """
    reason, text = ended
    hints = {DisconnectReason.WRONG_GAME: f" than {game.name!r}: add --game, as in the line that the server printed"}
    if not password:
        hints[DisconnectReason.WRONG_PASSWORD] = ": add --password"
    if not account:
        hints[DisconnectReason.BAD_ACCOUNT] = ": add --account NAME"
    return (text or reason.text) + hints.get(reason, "")
