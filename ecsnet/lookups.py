"""Lookups: the saves of who comes, read from a store by a worker while the game goes on."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from ecsnet.config import PersistenceConfig
from ecsnet.errors import StoreUnavailable
from ecsnet.storage.store import Save, SaveName, Store
from ecsnet.worker import Worker

__all__ = ["Loaded", "Lookups"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found of an owner.

    Attributes:
        failed: It could not be looked up; another time, perhaps.
    """

    saves: Sequence[Save] = ()
    failed: bool = False


@dataclass(slots=True, eq=False)
class _Request:
    """Somebody's saves, being read; or to be read again later.

    Attributes:
        newer: What the store may not have had yet when they were read.
    """

    done: Future[list[Save]]
    until: float
    newer: dict[SaveName, Save]
    retry_at: float | None = None


class Lookups:
    """Those that are not answered yet, by game and owner."""

    def __init__(self, store: Store, worker: Worker, config: PersistenceConfig) -> None:
        """Begin with none."""
        self._store = store
        self._worker = worker
        self._config = config
        self._requests: dict[tuple[str, str], _Request] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Lookups({len(self._requests)})"

    def request(self, game: str, owner: str, on_their_way: Iterable[Save], now: float) -> None:
        """Have an owner's saves looked up; nothing happens if they are already.

        Args:
            on_their_way: Saves that wait to be written, of anybody: who reads now may come too early for them.
        """
        if (game, owner) not in self._requests:
            newer = {save.name: save for save in on_their_way if (save.name.game, save.name.owner) == (game, owner)}
            until = now + self._config.load_patience_seconds
            self._requests[game, owner] = _Request(self._read(game, owner), until, newer)

    def note(self, save: Save) -> None:
        """Note that a save changes while it may be being read."""
        request = self._requests.get((save.name.game, save.name.owner))
        if request is not None:
            request.newer[save.name] = save

    def take(self, game: str, owner: str, now: float) -> Loaded | None:
        """Return what was found, and forget the request; None: it takes a little longer."""
        request = self._requests[game, owner]
        if request.retry_at is not None and now >= request.retry_at:
            request.done, request.retry_at = self._read(game, owner), None
        if now >= request.until:
            return self._answer(game, owner, Loaded(failed=True))
        if request.retry_at is not None or not request.done.done():
            return None
        error = request.done.exception()
        if error is None:
            return self._answer(game, owner, Loaded(_newest([*request.done.result(), *request.newer.values()])))
        if not isinstance(error, StoreUnavailable):
            logger.error("cannot read the saves of %s: %s", owner, error)
            return self._answer(game, owner, Loaded(failed=True))
        request.retry_at = now + self._config.retry_pauses_seconds[0]
        return None

    def _answer(self, game: str, owner: str, loaded: Loaded) -> Loaded:
        del self._requests[game, owner]
        return loaded

    def _read(self, game: str, owner: str) -> Future[list[Save]]:
        return self._worker.submit(lambda: list(self._store.saves(game, owner)))


def _newest(saves: Iterable[Save]) -> Sequence[Save]:
    """Return of each save the highest revision."""
    return list({save.name: save for save in sorted(saves, key=lambda save: save.revision)}.values())
