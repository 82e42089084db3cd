"""Chat: what players say to all, or to their team. Both ends: the call a client makes, the event clients are told.

A game lists `say` among its rpcs and `Said` among its events; then `client.call(say, text)`, and `Said` among
`client.events()`. Nothing is kept: whoever comes later has not heard it.
"""

import unicodedata
from typing import Annotated

from ecsnet.components.player import Player
from ecsnet.components.seat import Seat
from ecsnet.components.team import Team
from ecsnet.errors import Refused
from ecsnet.fields import EVERYONE, TEAM, EntityRef, netvar
from ecsnet.gameevent import event
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.world import World

__all__ = ["MAX_TEXT_BYTES", "Said", "clean_text", "say"]

MAX_TEXT_BYTES = 240  # of UTF-8: two lines of most languages
SAY_RATE_HZ = 2.0  # twice what anybody types: lines that a bad link holds up arrive together, and are not refused


@event
class Said:
    """Somebody said something. The name is of that moment: it lasts when he is gone."""

    player: EntityRef
    name: Annotated[str, netvar("", max_bytes=96)]
    text: Annotated[str, netvar("", max_bytes=MAX_TEXT_BYTES)]
    to_team: bool = False


@rpc(to=SERVER, rate_hz=SAY_RATE_HZ)
def say(
    call: Call,
    text: Annotated[str, netvar("", max_bytes=MAX_TEXT_BYTES)],
    to_team: bool = False,  # noqa: FBT001, FBT002  # an argument on the wire has no keyword
) -> None:
    """Say something to everybody, or to one's own team."""
    player, text = call.world.try_component(call.entity, Player), clean_text(text)
    if player is None or not text:
        raise Refused("there is nothing to say")
    team = team_of(call.world, call.entity)
    if to_team and not team:
        raise Refused("you are in no team")
    call.world.to(TEAM(team) if to_team else EVERYONE).send(Said(call.entity, player.name, text, to_team))


def clean_text(text: str) -> str:
    """Return a text as one line without control characters: nothing in it can forge a line or steer a terminal.

    Letters of every language and emoji stay. What cannot be seen goes, such as marks that turn the line around.
    """
    return " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C").split())


def team_of(world: World, player: int) -> int:
    """Return the team a player's client is in, as interest sees it; 0: none."""
    team, seat = world.try_component(player, Team), world.try_component(player, Seat)
    if team is not None:
        return team.number
    return 0 if seat is None else seat.team
