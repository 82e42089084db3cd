"""A loop that lets a bot play, without a window."""

from collections.abc import Callable

from ecsnet.bots import Bot, press
from ecsnet.runtime import RunningClient, wait_for
from ecsnet.stopsignals import stop_signals

__all__ = ["autoplay"]

TELL_SECONDS = 0.5  # how often a live score is worth a look


def autoplay(
    client: RunningClient, bot: Bot, *, seconds: float | None, tell: Callable[[RunningClient], None] | None = None
) -> None:
    """Let a bot play until the connection ends, the time is up, or Ctrl-C or SIGTERM is noted.

    Args:
        tell: Called about twice a second, to show how it goes.
    """
    begin = told = client.clock.now()
    end = None if seconds is None else begin + seconds
    with stop_signals() as stopped:
        while not stopped() and client.disconnected is None and (end is None or client.clock.now() < end):
            press(client, bot)
            client.update()
            if tell is not None and client.clock.now() - told >= TELL_SECONDS:
                told = client.clock.now()
                tell(client)
            wait_for(client, end)
