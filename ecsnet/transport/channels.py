"""Channels: what an application may ask of the transport for its messages. The queues behind it: outbox and inbox."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Channel", "Delivery"]


class Delivery(IntEnum):
    """What a channel promises of its messages."""

    UNRELIABLE = 0  # each at most once, in any order
    SEQUENCED = 1  # each at most once, never an older one after a newer one
    RELIABLE_UNORDERED = 2  # each exactly once, in any order
    RELIABLE_ORDERED = 3  # each exactly once, in the order of sending

    @property
    def is_reliable(self) -> bool:
        """Whether lost messages are sent again."""
        return self >= Delivery.RELIABLE_UNORDERED


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of a connection's table of channels; both ends have the same table."""

    name: str
    delivery: Delivery
