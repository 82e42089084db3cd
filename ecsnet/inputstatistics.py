"""What a server counts about the inputs of one client: how well they arrive, and what of them it does not believe."""

from dataclasses import dataclass

__all__ = ["InputStatistics"]


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """Counters since the connection began.

    The first three tell of the network as much as of the player. The others stay at 0 for an honest client, but for a
    few when its program stood still for longer than a second: its clock is wrong then, until it has jumped.
    """

    taken: int = 0  # ticks simulated with an input of their own
    missing: int = 0  # ticks for which none had arrived: the last one was repeated, or let go
    late: int = 0  # of these, those whose input came afterwards, too late to be used
    refused: int = 0  # inputs more than `input_window_ticks` away, and messages that are nonsense in any part
    changed: int = 0  # inputs for a tick that was still to come and had another one already; the first counted
    unread: int = 0  # messages beyond `ServerConfig.max_inputs_per_tick`, dropped as if lost

    @property
    def is_doubtful(self) -> bool:
        """Whether there is anything that our own client does not do while it runs smoothly."""
        return bool(self.refused or self.changed or self.unread)
