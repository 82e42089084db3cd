"""News: what a player hears of without having asked: of others, of the race, of itself."""

from ecsnet import Client
from ecsnet.components import Player, PlayerStatus
from ecsnet.events import Changed, ClientStatus, Despawned, Spawned, StatusChanged, Synced
from ecsnet.samples.knight.components import BarbarianFell, Fallen, KnightFell, Race, RaceWon
from ecsnet.samples.knight.texts import Line, say
from ecsnet.systems import Said

__all__ = ["News"]


class News:
    """Puts a client's events into words: those that happen while it is there, not all that it finds when it comes."""

    def __init__(self, client: Client) -> None:
        """Listen to a client."""
        self._client = client
        self._is_there = self._was_there = False
        self._lost: set[int] = set()  # players whose connection broke off

    def line_for(self, event: object) -> Line | None:
        """Return what to say of an event; None if nothing. What one does oneself, its answer tells."""
        match event:
            case StatusChanged(ClientStatus.LOST, _, text):
                self._is_there = False
                return say("warn", "!", f"The connection is lost: {text}. Trying to come back")
            case Synced():
                is_back, self._is_there, self._was_there = self._was_there, True, True
                self._lost.clear()
                return say("win", "+", "You are back") if is_back else None
        return self._line_from_world(event) if self._is_there else None

    def _line_from_world(self, event: object) -> Line | None:
        own = self._client.entity
        match event:
            case KnightFell(knight, name, barbarian) if knight != own:
                return say("news", "*", f"{name} went down before {barbarian}")
            case BarbarianFell(knight, name, barbarian) if knight != own:
                return say("news", "*", f"{name} felled {barbarian}")
            case Said(_, name, text):
                return say("said", ">", f"{name}: {text}")
            case RaceWon(name, gold):
                return say("title", "*", f"{name} has won the race with {gold} gold")
            case Spawned(entity) | Changed(entity) | Despawned(entity):
                return self._own_line(event) if entity == own else self._line_for_other(entity, event)
        return None

    def _own_line(self, event: object) -> Line | None:
        match event:
            case Changed(entity, component) if component is Fallen:
                if not self._client.world.has_component(entity, Fallen):
                    return say("win", "+", "You are on your feet again")
        return None

    def _line_for_other(self, entity: int, event: object) -> Line | None:
        world = self._client.world
        player = event.try_component(Player) if isinstance(event, Despawned) else world.try_component(entity, Player)
        match event:
            case Changed(_, component) if component is Race and not world.single(Race).winner:
                return say("title", "*", "A new race begins")
            case Spawned() if player is not None:
                return say("news", "*", f"{player.name} has come")
            case Despawned() if player is not None:
                self._lost.discard(entity)
                return say("news", "*", f"{player.name} is gone")
            case Changed(_, component) if component is Player and player is not None:
                return self._line_for_status(entity, player)
        return None

    def _line_for_status(self, entity: int, player: Player) -> Line | None:
        is_lost = player.status is PlayerStatus.LOST
        if is_lost == (entity in self._lost):
            return None
        if is_lost:
            self._lost.add(entity)
            return say("news", "*", f"{player.name}'s connection broke off")
        self._lost.discard(entity)
        return say("news", "*", f"{player.name} is back")
