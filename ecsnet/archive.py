"""Archive: the game thread's end of a store. What is put in is written by a worker; nothing here ever waits.

One write is under way at a time, and takes all that has gathered since the last one began: where much happens, much
shares the way to the disk. While the store cannot be written, the newest of everything waits in a `Backlog`, the game
plays on, and it is said when the gap began and when it was over.

Who must know that something is safe (the answer of a call says "it is yours") asks for `number` after putting it in,
and waits while `holds` says so.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TypeAlias

from ecsnet.backlog import Backlog, single_batches
from ecsnet.config import PersistenceConfig
from ecsnet.errors import StoreUnavailable
from ecsnet.storage.capture import Capture
from ecsnet.storage.retention import MAX_REMOVED, prune
from ecsnet.storage.store import WORLD_OWNER, Batch, Document, Match, Save, SaveName, Store
from ecsnet.worker import Worker

__all__ = ["REMEMBERED_MATCHES", "Archive", "CaptureDocuments", "Loaded", "Pause"]

ENTITIES_A_SLICE = 16  # 0.2 ms of work: a tick that falls due meanwhile is not later than that

REMEMBERED_MATCHES = 256  # of which one may have begun in this very second

logger = logging.getLogger(__name__)

Pause: TypeAlias = Callable[[], None]  # lets other threads have the interpreter
Written: TypeAlias = tuple[Sequence[SaveName], list[str]]  # saves that others had written; what no store would take


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found of an owner.

    Attributes:
        failed: It could not be looked up; another time, perhaps.
    """

    saves: Sequence[Save] = ()
    failed: bool = False


@dataclass(slots=True, eq=False)
class _Job:
    """A write that is under way, and the number of the newest save in it."""

    batch: Batch
    number: int
    done: Future[Written]


@dataclass(slots=True, eq=False)
class _Request:
    """Somebody's saves, being read; or to be read again later."""

    done: Future[list[Save]]
    until: float
    retry_at: float | None = None


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
    ) -> None:
        """Take over a store.

        Args:
            worker: Reads and writes, one job after the other. `Inline` is done at once, for simulations.
            pause: Called by the worker between pieces of its work.
        """
        self.config = config or PersistenceConfig()
        self.unix_time = unix_time
        self.number = 0
        self.store = store
        self._worker = worker
        self._pause = pause
        self._backlog = Backlog(self.config.max_waiting_events)
        self._job: _Job | None = None
        self._piecewise = False
        self._retry_at = 0.0
        self._since = 0.0  # when the first of what waits was put in
        self._outage: _Outage | None = None
        self._unsafe: dict[int, float] = {}  # by number: since when saves wait to be safe
        self._match_ids: deque[str] = deque(maxlen=REMEMBERED_MATCHES)
        self._requests: dict[tuple[str, str], _Request] = {}
        self._tidying: Future[list[Match]] | None = None
        self._tidy_at: float | None = None
        self._writes = 0
        self._lost = 0
        self._closed = False

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
            self._unsafe[self.number] = now

    def documents(self, capture: Capture) -> "CaptureDocuments":
        """Return the entities of a snapshot, for the worker to write out."""
        return CaptureDocuments(capture, self._pause)

    def holds(self, number: int, now: float) -> bool:
        """Tell whether saves are not safe yet, and it is worth waiting for them.

        Once they have waited for too long there is no more waiting for anything, until the store has caught up.
        """
        oldest = next(iter(self._unsafe), None)
        if oldest is None or oldest > number:
            return False
        return now - self._unsafe[oldest] < self.config.answer_patience_seconds

    @property
    def is_idle(self) -> bool:
        """Whether all is written, or never will be."""
        return self._job is None and not self._backlog

    @property
    def is_failing(self) -> bool:
        """Whether the store could not be written the last time."""
        return self._outage is not None

    def update(self, now: float) -> None:
        """Hear what became of the write under way, and begin the next."""
        if self._job is not None and self._job.done.done():
            job, self._job = self._job, None
            self._settle(job, now)
        self._tidy(now)
        if self._job is None and self._is_due(now) and not self._closed:
            self._job = self._begin(self._backlog.take())
            if self._job.done.done():
                job, self._job = self._job, None
                self._settle(job, now)

    def _is_due(self, now: float) -> bool:
        """Tell whether it is time to write: saves wait for nothing, events a little, for others."""
        if not self._backlog or now < self._retry_at:
            return False
        return bool(self._unsafe) or now - self._since >= self.config.gather_seconds

    def _begin(self, batch: Batch) -> _Job:
        piecewise = self._piecewise
        return _Job(batch, self.number, self._worker.submit(lambda: self._write(batch, piecewise=piecewise)))

    def report(self, now: float) -> dict[str, object]:
        """Return how it stands with the store, fit for JSON."""
        outage = self._outage
        return {
            "store": repr(self.store),
            "writes": self._writes,
            "waiting": len(self._backlog) + (0 if self._job is None else 1),
            "lost": self._lost + self._backlog.uncounted,
            "failing": "" if outage is None else outage.why,
            "failing_seconds": 0.0 if outage is None else round(now - outage.since, 3),
        }

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
        if (game, owner) not in self._requests:
            until = now + self.config.load_patience_seconds
            self._requests[game, owner] = _Request(self._read(game, owner), until)

    def take_loaded(self, game: str, owner: str, now: float) -> Loaded | None:
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
            return self._answer(game, owner, Loaded(self._brought_up_to_date(game, owner, request.done.result())))
        if not isinstance(error, StoreUnavailable):
            logger.error("cannot read the saves of %s: %s", owner, error)
            return self._answer(game, owner, Loaded(failed=True))
        request.retry_at = now + self.config.retry_pauses_seconds[0]
        return None

    def cancel(self, game: str, owner: str) -> None:
        """Forget a request: whoever it was for has gone."""
        self._requests.pop((game, owner), None)

    def _answer(self, game: str, owner: str, loaded: Loaded) -> Loaded:
        del self._requests[game, owner]
        return loaded

    def _read(self, game: str, owner: str) -> Future[list[Save]]:
        return self._worker.submit(lambda: list(self.store.saves(game, owner)))

    def _brought_up_to_date(self, game: str, owner: str, found: Sequence[Save]) -> Sequence[Save]:
        """Return what was found, or what is still on its way to the store."""
        newest = {save.name: save for save in found}
        under_way = () if self._job is None else self._job.batch.saves
        for save in (*under_way, *self._backlog.saves.values()):
            if (save.name.game, save.name.owner) == (game, owner):
                newest[save.name] = save
        return list(newest.values())

    # The end.

    def wait(self, seconds: float) -> None:
        """Wait for the write under way; for a host that shuts down."""
        if self._job is not None:
            wait([self._job.done], seconds)

    def close(self) -> None:
        """Give up what is not written, and the store when the worker has done with it."""
        if self._closed:
            return
        self._closed = True
        if self._backlog:
            logger.error("%s: %d things were not written: %s", self.store, len(self._backlog), self._why())
        self._worker.submit(self.store.close)

    def _why(self) -> str:
        return "it takes too long" if self._outage is None else self._outage.why

    # Tidying.

    def _tidy(self, now: float) -> None:
        """Have matches deleted that are too old, or too many, if somebody wants that."""
        config = self.config
        if config.keep_days is None and config.max_store_bytes is None:
            return
        if self._tidying is not None:
            if not self._tidying.done():
                return
            pause = self._note_tidied(self._tidying)
            self._tidying, self._tidy_at = None, now + pause
        if (self._tidy_at is None or now >= self._tidy_at) and not self._closed:
            time = self.unix_time()
            self._tidying = self._worker.submit(
                lambda: prune(self.store, keep_days=config.keep_days, max_bytes=config.max_store_bytes, now=time)
            )

    def _note_tidied(self, tidying: "Future[list[Match]]") -> float:
        """Say what was deleted; return how long to wait until the next time."""
        error = tidying.exception()
        if error is not None:
            logger.warning("cannot delete old matches: %s", error)
        deleted = [] if error is not None else tidying.result()
        if deleted:
            logger.info("deleted %d old matches, the last of them %s", len(deleted), deleted[-1].id)
        return 0.0 if len(deleted) == MAX_REMOVED else self.config.tidy_seconds

    # What became of a write.

    def _settle(self, job: _Job, now: float) -> None:
        error = job.done.exception()
        if error is None:
            self._note_written(job, now)
        elif isinstance(error, StoreUnavailable):
            self._note_outage(job, str(error), now)
        else:  # something in it can never be kept: which one, the next attempt finds out
            self._backlog.put_back(job.batch)
            self._piecewise = True

    def _note_written(self, job: _Job, now: float) -> None:
        self._piecewise = False
        self._writes += 1
        for number in [number for number in self._unsafe if number <= job.number]:
            del self._unsafe[number]
        conflicts, lost = job.done.result()
        for name in conflicts:
            logger.error("%s: somebody else writes %s, too; what this server had is not kept", self.store, name)
        for why in lost:
            logger.error("%s: not kept: %s", self.store, why)
        self._lost += len(conflicts) + len(lost)
        if self._outage is not None:
            self._note_recovery(self._outage, now)

    def _note_outage(self, job: _Job, why: str, now: float) -> None:
        self._backlog.put_back(job.batch)
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
            "%s can be written again after %.1f s; not kept: %d events, and %d snapshots that newer ones replaced",
            self.store, now - outage.since, backlog.uncounted, backlog.replaced,
        )  # fmt: skip
        self._lost += backlog.uncounted
        backlog.uncounted = backlog.replaced = 0

    # In the worker: nothing below touches what the game's thread writes.

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
                lost.append(f"{part}: {error}")
        return conflicts, lost


class CaptureDocuments:
    """The documents of a capture, made anew whenever somebody goes through them: a write may have to be repeated."""

    def __init__(self, capture: Capture, pause: Pause) -> None:
        """Make none yet."""
        self._capture = capture
        self._pause = pause

    def __repr__(self) -> str:
        """Show what they are of."""
        return f"CaptureDocuments(tick {self._capture.tick}, {len(self._capture.ids)} entities)"

    def __iter__(self) -> Iterator[Document]:
        """Make them one by one."""
        for number, document in enumerate(self._capture.entities()):
            if number % ENTITIES_A_SLICE == 0:
                self._pause()
            yield document
