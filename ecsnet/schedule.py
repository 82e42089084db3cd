"""When ticks are due: fixed steps over monotonic time, at an adjustable speed, with bounded catching up."""

__all__ = ["TickSchedule"]


class TickSchedule:
    """Counts out ticks of `dt` seconds as time passes.

    Attributes:
        speed: Ticks per dt of real time. The server's is always 1; a client's follows the server's feedback.
        late: Ticks run together with the next one, as the host fell behind: a tick or more after their time.
        skipped: Ticks never run because the host fell behind by more than `max_catch_up_ticks`.
    """

    __slots__ = ("_dt", "_max_catch_up_ticks", "_next_at", "late", "skipped", "speed")

    def __init__(self, dt: float, *, max_catch_up_ticks: int) -> None:
        """Start counting at the first `take_due`.

        Args:
            dt: Seconds a tick stands for.
            max_catch_up_ticks: More than this is never run at once; else a stalled host could only fall further behind.
        """
        self._dt = dt
        self._max_catch_up_ticks = max_catch_up_ticks
        self._next_at: float | None = None
        self.speed = 1.0
        self.late = 0
        self.skipped = 0

    def take_due(self, now: float) -> int:
        """Return how many ticks to run now, and count them as run."""
        if self._next_at is None:
            self._next_at = now
        step = self._dt / self.speed
        # A millionth of a tick of tolerance: a host that wakes exactly at the deadline must not miss it by rounding.
        due = int((now - self._next_at) / step + 1.000001)
        if due <= 0:
            return 0
        self._next_at += due * step
        if due > self._max_catch_up_ticks:
            self.skipped += due - self._max_catch_up_ticks
            due = self._max_catch_up_ticks
        self.late += due - 1
        return due

    def next_deadline(self) -> float | None:
        """Return when the next tick is due; None before the first call of `take_due`."""
        return self._next_at

    def fraction(self, now: float) -> float:
        """Return how much of the step to the next tick has passed, 0 to 1: where between two ticks to draw."""
        if self._next_at is None:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (self._next_at - now) * self.speed / self._dt))
