"""Snapshots: a World whole, as it stands, with what a server needs to go on from there."""

import logging
from collections.abc import Mapping

from ecsnet.archive import Archive
from ecsnet.components.player import Player
from ecsnet.storage.capture import Capture, capture
from ecsnet.storage.store import Document, Match, Snapshot
from ecsnet.world import World

__all__ = ["Snapshots"]

logger = logging.getLogger(__name__)


class Snapshots:
    """Takes those of one World.

    Attributes:
        room_state: What is to be known of the room to open it again.
    """

    def __init__(self, world: World, archive: Archive, server: str) -> None:
        """Take none yet.

        Args:
            server: As in `Keeping`.
        """
        self.room_state: Document = {}
        self._world = world
        self._archive = archive
        self._server = server
        self._told: dict[str, None] = {}  # of what snapshots do not hold; no more than there are fields

    def __repr__(self) -> str:
        """Show the World."""
        return f"Snapshots({self._world!r})"

    def take(self, match: Match, owners: Mapping[int, str]) -> Snapshot:
        """Copy the World; documents are made of it by whoever writes them.

        Args:
            owners: Of the players, by client id.
        """
        captured = capture(self._world)
        self._tell_losses(match.game, captured)
        now = self._archive.unix_time()
        return Snapshot(
            match=match.id,
            tick=captured.tick,
            time=now,
            seconds=now - match.started,
            players=[_told(entity, player, owners) for entity, player in self._world.observe(Player)],
            count=len(captured.ids),
            entities=self._archive.documents(captured),
            state=self._state(captured),
        )

    def _tell_losses(self, game: str, captured: Capture) -> None:
        """Say once what snapshots do not hold."""
        losses = {f"{cls.__name__}, which is no @component": "" for cls in captured.foreign}
        for column in captured.columns:
            lost = column.form.losses.copy()  # in one step: the worker notes others meanwhile
            losses.update({f"{column.name}.{name}": why for name, why in lost.items()})
        for what, why in losses.items():
            if what not in self._told:
                self._told[what] = None
                logger.warning("snapshots of %s leave out %s%s%s", game, what, ": " * bool(why), why)

    def _state(self, captured: Capture) -> Document:
        """Return what it takes to go on from here, beside the entities."""
        kinds: Mapping[str, object] = {
            column.name: {"module": column.form.module, "fields": list(column.form.names)}
            for column in captured.columns
        }
        return {
            "server": self._server,
            "seed": f"{self._world.seed:x}",
            "shared_seed": f"{self._world.shared_seed:x}",
            "next_entity": self._world.next_entity,
            "kinds": kinds,
            "room": self.room_state,
        }


def _told(entity: int, player: Player, owners: Mapping[int, str]) -> Document:
    return {
        "client_id": player.client_id,
        "name": player.name,
        "status": player.status.name,
        "entity": entity,
        "player": owners.get(player.client_id, ""),
    }
