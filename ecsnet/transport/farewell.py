"""The last words of a connection: CLOSE, said a few times by whoever ends it, and once in answer."""

__all__ = ["Farewell"]


class Farewell:
    """When to say CLOSE, and when to stop waiting for an answer.

    Attributes:
        frame: The CLOSE frame.
    """

    __slots__ = ("_times", "_until", "frame")

    def __init__(self, frame: bytes, times: list[float], until: float | None) -> None:
        """Plan it; use `first` or `answer`."""
        self.frame = frame
        self._times = times
        self._until = until

    @staticmethod
    def first(frame: bytes, now: float, *, pause: float, repeats: int) -> "Farewell":
        """Say it `repeats` times from now on: the last words get lost like any others."""
        return Farewell(frame, [now + i * pause for i in range(repeats)], now + (repeats + 1) * pause)

    @staticmethod
    def answer(frame: bytes) -> "Farewell":
        """Say it once, so that the peer can stop repeating it; if it is lost, the peer stops by itself."""
        return Farewell(frame, [float("-inf")], None)

    def __repr__(self) -> str:
        """Show what is still to be said."""
        return f"Farewell({len(self._times)} more, until {self._until})"

    def take_due(self, now: float) -> bool:
        """Tell whether to say it now, and count that as done."""
        if not self._times or now < self._times[0]:
            return False
        self._times = [time for time in self._times if time > now]
        return True

    def is_over(self, now: float) -> bool:
        """Tell whether the peer had its chance to answer."""
        return self._until is not None and now >= self._until

    def stop_waiting(self) -> None:
        """Note that it is over: what is due is still said once, and then nothing is due any more."""
        self._until = None

    def next_deadline(self) -> float | None:
        """Return when there is something to say, or no more to wait for."""
        return self._times[0] if self._times else self._until
