"""How a match stands as one client sees it: a line for people who watch a terminal, figures for programs."""

import math
from typing import TextIO

from ecsnet.components.player import Player
from ecsnet.runtime import RunningClient

__all__ = ["LiveLine", "describe", "figures_of"]

LINE_SECONDS = 2.0  # how often a new line is worth it where the old one cannot be overwritten


class LiveLine:
    """A line that tells how it goes; on a terminal always over itself."""

    def __init__(self, stream: TextIO) -> None:
        """Print to a stream."""
        self._stream = stream
        self._overwrites = stream.isatty()
        self._width = 0
        self._next_at = -math.inf

    def show(self, text: str, now: float) -> None:
        """Print how it stands now, if it is time to."""
        if not self._overwrites and now < self._next_at:
            return
        self._next_at = now + LINE_SECONDS
        self._stream.write(f"\r{text:<{self._width}}" if self._overwrites else f"{text}\n")
        self._stream.flush()
        self._width = max(self._width, len(text))

    def end(self) -> None:
        """Leave the line as it is and begin a new one."""
        if self._overwrites and self._width:
            self._stream.write("\n")
            self._stream.flush()


def figures_of(client: RunningClient) -> dict[str, object]:
    """Return what a client counts, fit for JSON; bytes and datagrams are its own, as sealed on the wire."""
    summary, statistics = client.game.summary, client.statistics
    return {
        "game": client.game.name,
        "tick": client.world.tick,
        "client_id": client.client_id,
        "score": {} if summary is None else dict(summary(client.world)),
        "datagrams_sent": statistics.datagrams_sent,
        "datagrams_received": statistics.datagrams_received,
        "bytes_sent": statistics.bytes_sent,
        "bytes_received": statistics.bytes_received,
        "packets_lost": statistics.packets_lost,
        "rtt_ms": round(1000 * statistics.rtt_seconds, 3),
    }


def describe(client: RunningClient) -> str:
    """Return tick, players, score and round trip as this client sees them."""
    if client.retrying is not None:
        reason, text = client.retrying.lost
        return f"{text or reason.text}; trying to come back (attempt {client.retrying.failed + 1})"
    if not client.is_ready:
        return f"joining {client.game.name} ... {client.progress:.0%}"
    summary = client.game.summary
    score = {} if summary is None else summary(client.world)
    parts = [
        f"{client.game.name}  tick {client.world.tick}",
        f"players {len(client.world.observe(Player))}",
        *(f"{name} {value}" for name, value in score.items()),
        f"rtt {1000 * client.statistics.rtt_seconds:.0f} ms",
    ]
    return "   ".join(parts)
