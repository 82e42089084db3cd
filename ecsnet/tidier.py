"""Tidier: has a store's old matches deleted while a server runs, if somebody wants that."""

import logging
from collections.abc import Callable
from concurrent.futures import Future

from ecsnet.config import PersistenceConfig
from ecsnet.quoting import counted
from ecsnet.storage.retention import MAX_REMOVED, prune
from ecsnet.storage.store import Match, Store
from ecsnet.worker import Worker

__all__ = ["Tidier"]

logger = logging.getLogger(__name__)


class Tidier:
    """Looks now and then whether there is something to delete."""

    def __init__(self, store: Store, worker: Worker, config: PersistenceConfig, unix_time: Callable[[], float]) -> None:
        """Begin."""
        self._store = store
        self._worker = worker
        self._config = config
        self._unix_time = unix_time
        self._is_wanted = config.keep_days is not None or config.max_store_bytes is not None
        self._deleting: Future[list[Match]] | None = None
        self._next_at: float | None = None

    def __repr__(self) -> str:
        """Show what it is at."""
        return f"Tidier({'deleting' if self._deleting is not None else 'waiting'})"

    def update(self, now: float) -> None:
        """Hear what was deleted, and look again when it is time."""
        if not self._is_wanted:
            return
        if self._deleting is not None:
            if not self._deleting.done():
                return
            pause = self._note_deleted(self._deleting)
            self._deleting, self._next_at = None, now + pause
        if self._next_at is None or now >= self._next_at:
            time = self._unix_time()
            self._deleting = self._worker.submit(lambda: self._prune(time))

    def _note_deleted(self, deleting: "Future[list[Match]]") -> float:
        """Say what was deleted; return how long to wait until the next time."""
        error = deleting.exception()
        if error is not None:
            logger.warning("cannot delete old matches: %s", error)
        deleted = [] if error is not None else deleting.result()
        if deleted:
            matches = counted(len(deleted), "old match", "old matches")
            logger.info("deleted %s, the last of them %s", matches, deleted[-1].id)
        return 0.0 if len(deleted) == MAX_REMOVED else self._config.tidy_seconds

    def _prune(self, time: float) -> list[Match]:
        config = self._config
        return prune(self._store, keep_days=config.keep_days, max_bytes=config.max_store_bytes, now=time)
