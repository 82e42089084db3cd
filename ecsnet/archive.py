"""Archive: the game thread's end of a store. What is put in is written by a worker; nothing here ever waits.

One write is under way at a time, and takes all that has gathered since the last one began: where much happens, much
shares the way to the disk. While the store cannot be written, the newest of everything waits in a `Backlog`, the game
plays on, and it is said when the gap began and when it was over.

Who must know that something is safe (the answer of a call says "it is yours") asks for `number` after putting it in,
and waits while `holds` says so.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TypeAlias

from ecsnet.backlog import Backlog, named, single_batches
from ecsnet.config import PersistenceConfig
from ecsnet.errors import StoreUnavailable
from ecsnet.lookups import Loaded, Lookups
from ecsnet.quoting import counted
from ecsnet.storage.capture import Capture, PacedDocuments, Pause
from ecsnet.storage.store import WORLD_OWNER, Batch, Save, SaveName, Store
from ecsnet.tidier import Tidier
from ecsnet.worker import Worker

__all__ = ["REMEMBERED_MATCHES", "Archive"]

REMEMBERED_MATCHES = 256  # of which one may have begun in this very second

logger = logging.getLogger(__name__)

Written: TypeAlias = tuple[Sequence[SaveName], list[str]]  # saves that others had written; what no store would take


@dataclass(slots=True, eq=False)
class _Job:
    """A write that is under way.

    Attributes:
        number: Of the newest saves in it.
        begun: When.
        unsafe_since: Since when the oldest saves in it wait; None: there are none.
        is_late: It was told that it takes too long.
    """

    batch: Batch
    number: int
    begun: float
    unsafe_since: float | None
    done: Future[Written]
    is_late: bool = False


@dataclass(slots=True, eq=False)
class _Outage:
    """A time in which the store could not be written."""

    since: float
    why: str
    attempts: int = 1


class Archive:
    """Keeps what a server gives it, in one store.

    Attributes:
        store: Where it keeps it.
        config: Its limits.
        number: Of the saves that were put in last.
        unix_time: Seconds since 1970, for what is written down.
    """

    def __init__(
        self,
        store: Store,
        *,
        worker: Worker,
        unix_time: Callable[[], float],
        config: PersistenceConfig | None = None,
        pause: Pause = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        """Take over a store.

        Args:
            worker: Reads and writes, one job after the other. `Inline` is done at once, for simulations.
            pause: Called by the worker between pieces of its work.
            on_close: Called by the worker when the store is closed.
        """
        self.config = config or PersistenceConfig()
        self.unix_time = unix_time
        self.number = 0
        self.store = store
        self._worker = worker
        self._pause = pause
        self._on_close = on_close
        self._backlog = Backlog(self.config.max_waiting_events, self.config.max_waiting_snapshots)
        self._job: _Job | None = None
        self._piecewise = False
        self._retry_at = 0.0
        self._since = 0.0  # when the first of what waits was put in
        self._outage: _Outage | None = None
        self._safe = 0  # the number up to which all saves are written
        self._unsafe_since: float | None = None  # when the first saves were put in that no write has begun with
        self._match_ids: deque[str] = deque(maxlen=REMEMBERED_MATCHES)
        self._lookups = Lookups(store, worker, self.config)
        self._tidier = Tidier(store, worker, self.config, unix_time)
        self._writes = 0
        self._lost = 0
        self._closing: Future[None] | None = None

    def __repr__(self) -> str:
        """Show the store, and how much waits."""
        return f"Archive({self.store!r}, {len(self._backlog)} waiting)"

    # Keeping.

    def put(self, batch: Batch, now: float) -> None:
        """Have something written."""
        if not self._backlog:
            self._since = now
        self._backlog.add(batch)
        if batch.saves or batch.removed:
            self.number += 1
            self._unsafe_since = now if self._unsafe_since is None else self._unsafe_since
        for save in batch.saves:
            self._lookups.note(save)

    def documents(self, capture: Capture) -> PacedDocuments:
        """Return the entities of a snapshot, for the worker to write out."""
        return PacedDocuments(capture, self._pause)

    def holds(self, number: int, now: float) -> bool:
        """Tell whether saves are not safe yet, and it is worth waiting for them.

        Once they have waited for too long there is no more waiting for anything, until the store has caught up.
        """
        if number <= self._safe:
            return False
        under_way = None if self._job is None else self._job.unsafe_since
        since = self._unsafe_since if under_way is None else under_way
        return since is not None and now - since < self.config.answer_patience_seconds

    @property
    def is_idle(self) -> bool:
        """Whether all is written, or never will be."""
        return self._job is None and not self._backlog

    @property
    def is_failing(self) -> bool:
        """Whether the store could not be written the last time."""
        return self._outage is not None

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._closing is not None

    def update(self, now: float) -> None:
        """Hear what became of the write under way, and begin the next."""
        self._hear(now)
        if not self.is_closed:
            self._tidier.update(now)
        if self._job is None and self._is_due(now) and not self.is_closed:
            self._job = self._begin(self._backlog.take(), now)
            self._hear(now)

    def _hear(self, now: float) -> None:
        """See whether the write under way is over, or takes too long."""
        job = self._job
        if job is None:
            return
        if job.done.done():
            self._job = None
            self._settle(job, now)
        elif not job.is_late and now - job.begun >= self.config.answer_patience_seconds:
            job.is_late = True
            logger.warning("%s %s; the game plays on, and what happens waits", self.store, _silence(job, now))

    def _is_due(self, now: float) -> bool:
        """Tell whether it is time to write: saves wait for nothing, events a little, for others."""
        if not self._backlog or now < self._retry_at:
            return False
        return self._unsafe_since is not None or now - self._since >= self.config.gather_seconds

    def _begin(self, batch: Batch, now: float) -> _Job:
        piecewise, unsafe_since = self._piecewise, self._unsafe_since
        self._unsafe_since = None
        done = self._worker.submit(lambda: self._write(batch, piecewise=piecewise))
        return _Job(batch, self.number, now, unsafe_since, done)

    def report(self, now: float) -> dict[str, object]:
        """Return how it stands with the store, fit for JSON."""
        outage = self._outage
        return {
            "where": str(self.store),
            "writes": self._writes,
            "waiting": self._waiting,
            "lost": self._lost + self._backlog.uncounted + self._backlog.crowded_out,
            "failing": self._trouble(now),
            "failing_seconds": None if outage is None else round(now - outage.since, 3),
        }

    def _trouble(self, now: float) -> str:
        """Return what is wrong with the store; nothing if all is well."""
        if self._outage is not None:
            return self._outage.why
        return _silence(self._job, now) if self._job is not None and self._job.is_late else ""

    @property
    def _waiting(self) -> int:
        return len(self._backlog) + (0 if self._job is None else 1)

    def know_matches(self, ids: Iterable[str]) -> None:
        """Note what matches are called that were before; the newest last."""
        self._match_ids.extend(ids)

    def new_match_id(self, wanted: str) -> str:
        """Return a name for a match that no other has: the wanted one, or with a number behind it."""
        found, number = wanted, 1
        while found in self._match_ids:
            number += 1
            found = f"{wanted}-{number}"
        self._match_ids.append(found)
        return found

    # Reading.

    def read_world(self, game: str) -> list[Save]:
        """Return the world's saves, when a server begins: this one waits for the store."""
        return list(self.store.saves(game, WORLD_OWNER))

    def request(self, game: str, owner: str, now: float) -> None:
        """Have an owner's saves looked up; nothing happens if they are already."""
        under_way = () if self._job is None else self._job.batch.saves
        self._lookups.request(game, owner, [*under_way, *self._backlog.saves.values()], now)

    def take_loaded(self, game: str, owner: str, now: float) -> Loaded | None:
        """Return what was found, and forget the request; None: it takes a little longer."""
        return self._lookups.take(game, owner, now)

    # The end.

    def wait(self, seconds: float) -> bool:
        """Wait for the write under way, or for the store to close, and tell whether there is such; for a host's end."""
        if self._job is not None:
            wait([self._job.done], seconds)
        elif self._closing is not None:
            wait([self._closing], seconds)
        return self._job is not None or self.is_closed

    def close(self, now: float) -> None:
        """Give up what is not written, and the store when the worker has done with it."""
        if self.is_closed:
            return
        if not self.is_idle:
            why = self._trouble(now) or "there was no time"
            what = counted(self._waiting, "thing was", "things were")
            logger.error("%s: %s not written: %s", self.store, what, why)
        self._closing = self._worker.submit(self._close_store)

    # What became of a write.

    def _settle(self, job: _Job, now: float) -> None:
        error = job.done.exception()
        if error is None:
            self._note_written(job, now)
        elif isinstance(error, StoreUnavailable):
            self._note_outage(job, str(error), now)
        else:  # something in it can never be kept: which one, the next attempt finds out
            self._put_back(job)
            self._piecewise = True

    def _put_back(self, job: _Job) -> None:
        self._backlog.put_back(job.batch)
        if job.unsafe_since is not None:
            self._unsafe_since = job.unsafe_since

    def _note_written(self, job: _Job, now: float) -> None:
        self._piecewise = False
        self._writes += 1
        self._safe = job.number
        conflicts, lost = job.done.result()
        for name in conflicts:
            logger.error("%s: somebody else writes %s, too; what this server had is not kept", self.store, name)
        for why in lost:
            logger.error("%s: not kept: %s", self.store, why)
        self._lost += len(conflicts) + len(lost)
        if self._outage is not None:
            self._note_recovery(self._outage, now)

    def _note_outage(self, job: _Job, why: str, now: float) -> None:
        self._put_back(job)
        if self._outage is None:
            self._outage = _Outage(now, why)
            logger.warning("the store fails: %s; the game plays on, and what happens waits to be written", why)
        else:
            self._outage.attempts += 1
            self._outage.why = why
        pauses = self.config.retry_pauses_seconds
        self._retry_at = now + pauses[min(self._outage.attempts, len(pauses)) - 1]

    def _note_recovery(self, outage: _Outage, now: float) -> None:
        backlog, self._outage = self._backlog, None
        logger.warning(
            "%s can be written again after %.1f s; not kept: %d events, %d snapshots that newer ones replaced, "
            "%d other things",
            self.store, now - outage.since, backlog.uncounted, backlog.replaced, backlog.crowded_out,
        )  # fmt: skip
        self._lost += backlog.uncounted + backlog.crowded_out
        backlog.uncounted = backlog.replaced = backlog.crowded_out = 0

    # In the worker: nothing below touches what the game's thread writes.

    def _close_store(self) -> None:
        try:
            self.store.close()
        finally:
            self._on_close()

    def _write(self, batch: Batch, *, piecewise: bool) -> Written:
        if not piecewise:
            return self.store.write(batch), []
        conflicts: list[SaveName] = []
        lost = []
        for part in single_batches(batch):
            try:
                conflicts += self.store.write(part)
            except StoreUnavailable:
                raise
            except Exception as error:  # a store is somebody's own; what is told is what it is about
                lost.append(f"{named(part)}: {error}")
        return conflicts, lost


def _silence(job: _Job, now: float) -> str:
    return f"has not answered for {now - job.begun:.1f} s"
