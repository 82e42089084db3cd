"""The pasture with audiences: what the model checker stirs."""

from ecsnet.fields import TEAM, NetVar, component, netvar
from ecsnet.game import Game
from ecsnet.replication.schema import Schema
from tests.replication.pasture import SERIALS, Black, Body, Follows, Label, Press, Wool

CELL_UNITS = 16.0


@component
class Title:
    """Which entity this is, under whatever network id."""

    mark: NetVar[int] = netvar(0, low=0, high=SERIALS)


@component
class Banner:
    """One value for all, one for the team."""

    serial: NetVar[int] = netvar(0, low=0, high=SERIALS)
    sign: NetVar[int] = netvar(0, low=0, high=SERIALS, audience=TEAM)


@component
class Oath:
    """For the team alone."""

    serial: NetVar[int] = netvar(0, low=0, high=SERIALS, audience=TEAM)


game = Game(
    "village", input=Press, components=[Title, Body, Wool, Label, Follows, Black, Banner, Oath], cell_units=CELL_UNITS
)
schema = Schema(game)
