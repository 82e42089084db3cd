"""Deck: where one is in a recording and how fast one goes, and the clock that runs so."""

from ecsnet.clock import Clock

__all__ = ["SKIP_SECONDS", "SPEEDS", "Deck", "DeckClock"]

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SKIP_SECONDS = 5.0
# How far the shown clock goes on with a jump: what a game shows for some time after it happened, such as a banner, is
# over then, and what it draws the less the older it is has faded.
JUMP_SECONDS = 60.0


class Deck:
    """What the keys of a player do.

    Attributes:
        length_seconds: Of the recording.
        position_seconds: In it.
        speed: In seconds of the recording a second; one of SPEEDS.
        is_paused: Whether time stands still.
        shown_seconds: How much time has passed for whoever watches; it stands and runs with the position, and where
            that jumps it goes on.
        jumps: How often that was.
    """

    def __init__(self, length_seconds: float, *, position_seconds: float = 0.0, speed: float = 1.0) -> None:
        """Begin to play."""
        self.length_seconds = length_seconds
        self.position_seconds = min(max(0.0, position_seconds), length_seconds)
        self.speed = speed
        self.is_paused = False
        self.shown_seconds = 0.0
        self.jumps = 0

    def __repr__(self) -> str:
        """Show where it is."""
        paused = ", paused" * self.is_paused
        return f"Deck({self.position_seconds:.2f} of {self.length_seconds:.2f} s, {self.speed:g}x{paused})"

    @property
    def is_at_end(self) -> bool:
        """Whether there is nothing more to come."""
        return self.position_seconds >= self.length_seconds

    def advance(self, seconds: float) -> None:
        """Let real time pass."""
        if not self.is_paused:
            passed = min(seconds * self.speed, self.length_seconds - self.position_seconds)
            self.position_seconds += passed
            self.shown_seconds += passed

    def jump(self, to_seconds: float) -> None:
        """Go elsewhere; beyond an end, to that end."""
        self.position_seconds = min(max(0.0, to_seconds), self.length_seconds)
        self.shown_seconds += JUMP_SECONDS
        self.jumps += 1

    def skip(self, seconds: float) -> None:
        """Jump by some time, forward or back."""
        self.jump(self.position_seconds + seconds)

    def change_speed(self, by: int) -> None:
        """Go some steps faster or slower."""
        self.speed = SPEEDS[min(max(0, SPEEDS.index(self.speed) + by), len(SPEEDS) - 1)]

    def toggle(self) -> None:
        """Pause, or go on; at the end, from the beginning."""
        if self.is_at_end:
            self.jump(0.0)
            self.is_paused = False
        else:
            self.is_paused = not self.is_paused


class DeckClock:
    """The clock of what is shown: it stands and runs with a deck. To sleep takes the machine's time."""

    def __init__(self, deck: Deck, machine: Clock) -> None:
        """Show the time of a deck."""
        self._deck = deck
        self._machine = machine

    def now(self) -> float:
        """Return seconds, never backwards."""
        return self._deck.shown_seconds

    def sleep(self, seconds: float) -> None:
        """Let the machine's time pass."""
        self._machine.sleep(seconds)
