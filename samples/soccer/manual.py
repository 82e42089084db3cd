"""What a player should know: rules and keys. F1 shows the keys in the window, `ecsnet play soccer --help` both."""

__all__ = ["GENERAL_KEYS", "PLAY_KEYS", "manual"]

RULES = """\
Two sides of up to three play for five goals. A match starts when everybody is
ready; who comes later plays from the next kickoff on. Run into the ball to push
it, kick it when it is within reach. Whoever loses his connection has 15 seconds
to come back; a side without players loses after 10.

soccer:timed is the same over three minutes of play. If nobody is ahead by then,
the next goal wins."""

PLAY_KEYS = (  # keyboard, gamepad, what for
    ("Arrows or WASD", "left stick", "run"),
    ("Space", "A", "kick where you face"),
    ("R", "Start", "ready; after a match: rematch"),
    ("T", "Y", "change sides, before a match"),
    ("V", "Back", "only watch; or play again"),
    ("Enter", "", "chat; Tab: to your side only; Esc: never mind"),
)
GENERAL_KEYS = (
    ("F1", "", "this help"),
    ("F3", "", "network graph"),
    ("F4", "", "simulated network: LAN, Wi-Fi, mobile, awful, none"),
    ("F5", "", "ghosts: where the server last had everybody"),
    ("F6", "", "always roll back, which must change nothing"),
    ("Esc", "", "leave"),
)


def manual() -> str:
    """Return rules and keys as text."""
    rows = [f"{key:<16}{pad:<12}{meaning}" for key, pad, meaning in (("key", "gamepad", ""), *PLAY_KEYS, *GENERAL_KEYS)]
    return "\n".join((RULES, "", *(row.rstrip() for row in rows)))
