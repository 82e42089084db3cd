"""Coming back: when a client whose connection broke off tries again, and when it gives up."""

from dataclasses import dataclass, field

from ecsnet.config import ClientConfig
from ecsnet.protocol import DisconnectReason

__all__ = ["Retry"]


@dataclass(slots=True, eq=False)
class Retry:
    """The attempts of one client to come back, as `Client.retrying` shows them.

    Attributes:
        since: When the connection was lost, monotonic seconds.
        lost: Why, as (reason, text).
        failed: Attempts that came to nothing.
        next_at: When the next one begins, or began.
    """

    config: ClientConfig = field(repr=False)
    since: float
    lost: tuple[DisconnectReason, str]
    failed: int = 0
    next_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Try at once: most often the way is there again, and only the connection is not."""
        self.next_at = self.since

    @property
    def gives_up_at(self) -> float:
        """When there are no more attempts, monotonic seconds."""
        return self.since + self.config.retry_seconds

    def fail(self, now: float) -> bool:
        """Count an attempt that came to nothing; return whether there will be another."""
        pauses = self.config.retry_pauses_seconds
        self.next_at = now + pauses[min(self.failed, len(pauses) - 1)]
        self.failed += 1
        return self.next_at < self.gives_up_at
