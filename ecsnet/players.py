"""Player entities: what the server makes of somebody who is connected, and does to it when the connection breaks."""

import sys

from ecsnet.absence import Absence
from ecsnet.components.owner import Owner
from ecsnet.components.player import Player, PlayerStatus
from ecsnet.config import ServerConfig
from ecsnet.game import Game
from ecsnet.peer import Peer
from ecsnet.replication.schema import Schema
from ecsnet.systems.jitterbuffer import InputBuffer
from ecsnet.systems.ticksync import MARGIN_WINDOW_SECONDS
from ecsnet.world import World

__all__ = ["input_buffer", "make", "set_status"]


def make(world: World, game: Game, peer: Peer) -> int:
    """Return a new player entity; the game adds to it what its players have."""
    player = Player(client_id=peer.client_id, name=peer.name, status=PlayerStatus.CONNECTED)
    entity = world.create_entity(player, Owner(client_id=peer.client_id))
    if game.input is not None:
        world.add_component(entity, game.input())
    return entity


def set_status(world: World, entity: int, status: PlayerStatus) -> bool:
    """Show how a player's connection stands; return False if the game has deleted the player."""
    player = world.try_component(entity, Player)
    if player is None:
        return False
    player.status = status
    return True


def input_buffer(game: Game, schema: Schema, config: ServerConfig) -> InputBuffer:
    """Return what orders the inputs of a fresh connection."""
    hold_ticks = round(config.input_hold_seconds * game.tick_rate_hz)
    if game.absence is Absence.KEEP:
        hold_ticks = sys.maxsize  # nothing is let go of while it is not yet known that somebody is lost, either
    return InputBuffer(
        schema.input_codec.defaults,
        window_ticks=config.input_window_ticks,
        hold_ticks=hold_ticks,
        margin_ticks=max(2, round(MARGIN_WINDOW_SECONDS * game.tick_rate_hz)),
    )
