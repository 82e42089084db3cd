"""What a client can say about how its game feels: what it guesses, how far it is ahead, how often it was wrong."""

from dataclasses import dataclass

__all__ = ["PlayFigures"]


@dataclass(frozen=True, slots=True)
class PlayFigures:
    """Counters since the client was made, and the estimates of this moment.

    What concerns the connection alone, like the round trip, is in `Client.statistics`.
    """

    corrections: int  # times the server decided otherwise than predicted of what this client steers
    replayed_ticks: int  # ticks simulated again, for these and for whatever else was predicted along
    ahead_ticks: int  # from the newest tick heard of to the client's own: what a correction has to simulate again
    margin_ticks: int | None  # how early inputs reach the server, at worst; negative: late; None: not known yet
    speed: float  # of the client's ticks, 1.0 as usual: how it keeps that margin
    interpolation_delay_seconds: float  # by how much what others own is drawn behind the newest state
