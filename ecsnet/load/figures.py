"""What a crowd counted: summed over its clients, over time, and over processes; as a table for people, or as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeAlias

from ecsnet.distribution import Distribution
from ecsnet.protocol import DisconnectReason

__all__ = ["CrowdFigures", "Moment"]

Ends: TypeAlias = "Counter[tuple[DisconnectReason, str]]"  # the reason, and what was said of it

PERCENTILES = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
# What to do about a reason, where that is known; what the matter is says the server's text.
HINTS = {
    DisconnectReason.SERVER_FULL: "see --max-clients and --max-clients-per-network of `ecsnet serve`",
    DisconnectReason.CONNECTION_LOST: "over TCP, see --max-clients-per-network of `ecsnet serve`",
    DisconnectReason.WRONG_GAME: "see --game",
    DisconnectReason.WRONG_PASSWORD: "see --password",
}
BUSY_SHARE = 0.9  # of a core: beyond it the clients wait for each other, and that is what is measured


@dataclass(slots=True)
class Moment:
    """How a crowd is at one look: sums over the clients that are there.

    Attributes:
        connected: How many that are.
        late: Of how many the inputs come too late, as the server last told.
        rtt_seconds: Round trips.
        up_bytes: What they sent a second, since the look before.
        down_bytes: What they received.
    """

    connected: int = 0
    late: int = 0
    rtt_seconds: float = 0.0
    up_bytes: float = 0.0
    down_bytes: float = 0.0

    def add(self, other: "Moment") -> None:
        """Add that of another crowd."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        """Return a line for people: what is typical of one client."""
        count = self.connected or 1
        return (
            f"{self.connected} connected   rtt {1000 * self.rtt_seconds / count:.1f} ms   "
            f"each {self.down_bytes / count / 1000:.1f} kB/s down, {self.up_bytes / count / 1000:.1f} up   "
            f"late inputs {self.late / count:.0%}"
        )


@dataclass(slots=True)
class CrowdFigures:
    """Sums, so that those of several crowds can be added.

    Attributes:
        wanted: Clients that were to join.
        now: How it is at this moment.
        joined: Seconds from the first datagram until the World was there, of each client that got so far.
        refused: Clients that never got in.
        ended: Clients whose connection ended, and nobody here had ended it.
        rtt: Round trips in seconds, as the connections estimate them, of each client at each look.
        calls: Seconds from a call to its answer.
        calls_refused: Answers that were a refusal.
        client_seconds: How long clients were there, together.
        states: State messages that arrived.
        looks: How often a client was looked at, while it was there.
        late: ... and its inputs came too late.
        lost_down: Share of the datagrams from the server that were lost lately, summed over the looks.
        lost_up: Datagrams to the server that were lost.
        busiest: What the busiest process used of a core.
    """

    wanted: int = 0
    now: Moment = field(default_factory=Moment)
    joined: Distribution = field(default_factory=Distribution)
    refused: Ends = field(default_factory=Counter)
    ended: Ends = field(default_factory=Counter)
    rtt: Distribution = field(default_factory=Distribution)
    calls: Distribution = field(default_factory=Distribution)
    calls_refused: int = 0
    client_seconds: float = 0.0
    states: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    datagrams_up: int = 0
    looks: int = 0
    late: int = 0
    lost_down: float = 0.0
    lost_up: int = 0
    busiest: float = 0.0

    def add(self, other: "CrowdFigures") -> None:
        """Add the figures of another crowd."""
        busiest = max(self.busiest, other.busiest)
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Distribution | Moment):
                mine.add(theirs)
            elif isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, each.name, mine + theirs)
        self.busiest = busiest

    @property
    def settled(self) -> int:
        """How many clients got in, or were turned away."""
        return self.joined.count + self.refused.total()

    @property
    def is_whole(self) -> bool:
        """Whether all joined and stayed."""
        return self.joined.count == self.wanted and not self.ended

    def lines(self) -> Iterator[str]:
        """Yield the table."""
        yield f"{self.joined.count} of {self.wanted} clients joined, {self.joined.count - self.ended.total()} stayed"
        for what, reasons in (("refused", self.refused), ("ended", self.ended)):
            for (reason, text), count in reasons.most_common():
                hint = f"; {HINTS[reason]}" if reason in HINTS else ""
                yield f"{what:<15}{count:>8}  {reason.name}: {text}{hint}"
        if self.wanted > self.settled:
            yield f"{'no answer yet':<15}{self.wanted - self.settled:>8}"
        if self.joined.count:
            yield from self._play()

    def _play(self) -> Iterator[str]:
        """Yield how it was for those who got in."""
        yield f"{'':<15}" + "".join(f"{name:>11}" for name, _ in PERCENTILES)
        yield _times("joined in", self.joined)
        yield _times("round trip", self.rtt)
        if self.calls.count:
            yield f"{_times('calls answered', self.calls)}   of {self.calls.count}, {self.calls_refused} refused"
        yield f"{'state messages':<15}{self._rate(self.states):>8.1f} a second and client"
        yield f"{'received':<15}{self._rate(self.bytes_down):>8.0f} B a second and client, {self.loss_down:.1%} lost"
        yield f"{'sent':<15}{self._rate(self.bytes_up):>8.0f} B a second and client, {self.loss_up:.1%} lost"
        yield f"{'late inputs':<15}{self.late_share:>8.1%} of the time"
        too_much = ": too much to measure by, see --processes" if self.busiest > BUSY_SHARE else ""
        yield f"{'this load took':<15}{self.busiest:>8.0%} of a core{too_much}"

    def as_json(self) -> dict[str, object]:
        """Return the same, fit for JSON."""
        return {
            "clients": self.wanted,
            "joined": self.joined.count,
            "stayed": self.joined.count - self.ended.total(),
            "refused": _reasons(self.refused),
            "ended": _reasons(self.ended),
            "joined_in_ms": _milliseconds(self.joined),
            "rtt_ms": _milliseconds(self.rtt),
            "call_ms": _milliseconds(self.calls),
            "calls": self.calls.count,
            "calls_refused": self.calls_refused,
            "states_per_second": round(self._rate(self.states), 2),
            "bytes_received_per_second": round(self._rate(self.bytes_down), 1),
            "bytes_sent_per_second": round(self._rate(self.bytes_up), 1),
            "loss_received": round(self.loss_down, 5),
            "loss_sent": round(self.loss_up, 5),
            "late_inputs": round(self.late_share, 5),
            "core_share": round(self.busiest, 3),
        }

    @property
    def loss_up(self) -> float:
        """Share of the datagrams to the server that were lost."""
        return self.lost_up / self.datagrams_up if self.datagrams_up else 0.0

    @property
    def loss_down(self) -> float:
        """Share of the datagrams from the server that were lost."""
        return self.lost_down / self.looks if self.looks else 0.0

    @property
    def late_share(self) -> float:
        """Share of the time, over all clients, in which their inputs came too late."""
        return self.late / self.looks if self.looks else 0.0

    def _rate(self, total: float) -> float:
        """Return how much of it there was for each client in each second."""
        return total / self.client_seconds if self.client_seconds else 0.0


def _times(what: str, seconds: Distribution) -> str:
    return f"{what:<15}" + "".join(f"{1000 * seconds.percentile(share):>8.1f} ms" for _, share in PERCENTILES)


def _milliseconds(seconds: Distribution) -> dict[str, float]:
    percentiles = {name: round(1000 * seconds.percentile(share), 3) for name, share in PERCENTILES}
    return {"mean": round(1000 * seconds.mean, 3), **percentiles}


def _reasons(ends: Ends) -> dict[str, int]:
    return {f"{reason.name}: {text}": count for (reason, text), count in ends.items()}
