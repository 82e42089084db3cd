"""Persistence: the steps of a tick that keep it. What they keep is in keeper.py, saves.py and snapshots.py."""

from typing import TYPE_CHECKING

from ecsnet.system import System
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["Persist", "RestoreSaves"]


class RestoreSaves(System):
    """Server: give entities that have just become Persistent what was kept of them, before anybody sees them."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the room."""
        self._session = session

    def process(self, _: World) -> None:
        """Look who went and who came."""
        if self._session.keeper is not None:
            self._session.keeper.follow(self._session.now)


class Persist(System):
    """Server: keep what the tick was, and let answers go that wait for nothing."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the room."""
        self._session = session

    def process(self, _: World) -> None:
        """Hand everything to the archive."""
        session = self._session
        if session.keeper is not None:
            session.keeper.process(session.now)
        session.answers.seal(session.now)
