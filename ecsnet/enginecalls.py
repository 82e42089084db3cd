"""The remote calls that every game has: they stand in one table with its own."""

import logging
from typing import Annotated, Final

from ecsnet.components.player import Player
from ecsnet.fields import netvar
from ecsnet.quoting import quoted
from ecsnet.rpc import SERVER, Call, rpc

__all__ = ["ENGINE_CALLS", "LINES_PER_SECOND", "MAX_DROPPED", "MAX_LINE_BYTES", "client_log"]

MAX_LINE_BYTES: Final = 400  # of UTF-8: four lines of a terminal
MAX_DROPPED: Final = 0xFFFF  # lines that are counted; beyond it, it is many
LINES_PER_SECOND = 5.0  # of one client, and so many at once
SPARE = 2.0  # a server takes so many times as much: lines that a bad link holds up arrive together

logger = logging.getLogger("ecsnet.client")


@rpc(to=SERVER, rate_hz=SPARE * LINES_PER_SECOND)
def client_log(
    call: Call,
    level: Annotated[int, netvar(0, low=logging.DEBUG, high=logging.ERROR)],  # what is critical a server finds itself
    text: Annotated[str, netvar("", max_bytes=MAX_LINE_BYTES)],
    dropped: Annotated[int, netvar(0, low=0, high=MAX_DROPPED)],
) -> None:
    """Write a client's line to the server's log, as `key=value` pairs; what the client chose stands in quotes.

    Args:
        level: As in `logging`.
        dropped: How many lines the client did not send before this one.
    """
    player = call.world.try_component(call.entity, Player)
    name = quoted("" if player is None else player.name)
    more = f" dropped={dropped}" if dropped else ""
    logger.log(level, "client=%d name=%s text=%s%s", call.sender, name, quoted(text), more)


ENGINE_CALLS = (client_log,)
