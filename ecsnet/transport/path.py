"""Following a client to a new address (another network, a forgetful NAT): it is asked to answer from there.

An authentic packet from elsewhere proves who wrote it, not who sent it: anybody on the way can send a copy. Only who
answers a challenge from the new address receives there.
"""

from ecsnet.transport.address import Address

__all__ = ["Roaming"]

MAX_TRIES = 3
AMPLIFICATION = 3  # RFC 9000, section 8: bytes sent per byte received, until an address is validated


class Roaming:
    """A server's view of where one client might be now.

    Attributes:
        next_at: When to ask (again); None while there is nobody to ask.
        answer: The number of the last PATH_RESPONSE, from wherever it came.
    """

    __slots__ = ("_candidate", "_number", "_received_bytes", "_sent_bytes", "_tries", "answer", "next_at")

    def __init__(self) -> None:
        """Suspect no move."""
        self._candidate: Address | None = None
        self._number = 0  # what the candidate has to send back; it rises, so an old answer is none
        self._tries = self._sent_bytes = self._received_bytes = 0
        self.next_at: float | None = None
        self.answer = 0

    def __repr__(self) -> str:
        """Show whom it asks."""
        return f"Roaming({self._candidate}, {self._tries} tries)"

    def note(self, address: Address, size: int, now: float, *, is_newest: bool) -> None:
        """Note an authentic packet of `size` bytes from elsewhere; the newest of all makes its sender the candidate."""
        self.answer = 0  # an earlier one came from somewhere else
        if is_newest and address != self._candidate:
            self._candidate, self.next_at = address, now
            self._number += 1
            self._tries = self._sent_bytes = self._received_bytes = 0
        if address == self._candidate:
            self._received_bytes += size

    def question(self, size: int, now: float, pause: float) -> tuple[int, Address] | None:
        """Return what to send back and whom to ask, if that is due; give up who never answers.

        Args:
            size: Bytes the datagram with the challenge will have.
            pause: Seconds until the next try.
        """
        if self._candidate is None or self.next_at is None or now < self.next_at:
            return None
        if self._tries == MAX_TRIES:
            self._forget()
            return None
        self._tries += 1
        self.next_at = now + pause
        if self._sent_bytes + size > AMPLIFICATION * self._received_bytes:
            return None
        self._sent_bytes += size
        return self._number, self._candidate

    def has_answered(self, address: Address) -> bool:
        """Tell, after a packet from `address`, whether the candidate is now proved to be reached there; once."""
        if self.answer != self._number or address != self._candidate:
            return False
        self._forget()
        return True

    def _forget(self) -> None:
        self._candidate = self.next_at = None
