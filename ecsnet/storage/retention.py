"""Retention: how long matches are kept, and how much room they may take."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from ecsnet.storage.store import SERVER_OWNER, Match, Store

__all__ = ["MAX_REMOVED", "outlook", "prune"]

MAX_REMOVED = 20  # matches a call: whoever asks again each minute keeps up, and nobody waits long for one call
DAY_SECONDS = 86_400.0


def prune(
    store: Store, *, keep_days: float | None = None, max_bytes: int | None = None, now: float, limit: int = MAX_REMOVED
) -> list[Match]:
    """Delete the matches that ended too long ago, and the oldest until the store is small enough; saves stay.

    A match that is on is never deleted, however large it is; nor is one that a server has a save of its own about: its
    room writes on until the next one begins, and is resumed from it.

    Args:
        keep_days: How long to keep a match after its end; None: for ever.
        max_bytes: How much room the store may take; None: any.
        now: In seconds since 1970.
        limit: How many to delete at most.

    Returns:
        What was deleted, oldest first. As many as `limit`: there may be more.
    """
    removed: list[Match] = []
    for match in _ended(store):
        is_full = max_bytes is not None and store.size_bytes() > max_bytes
        if len(removed) == limit or not (is_full or _is_old(match, keep_days, now)):
            break
        store.remove_match(match.id)
        removed.append(match)
    return removed


def outlook(
    store: Store, *, keep_days: float | None = None, max_bytes: int | None = None, now: float
) -> Iterator[Match]:
    """Return what `prune` would delete, in its order; for a size it is estimated, as only deleting tells."""
    size = 0 if max_bytes is None else store.size_bytes()
    for match in _ended(store):
        is_full = max_bytes is not None and size > max_bytes
        if not (is_full or _is_old(match, keep_days, now)):
            break
        size -= 0 if max_bytes is None else _weight(store, match)
        yield match


def _ended(store: Store) -> list[Match]:
    """Return the matches that may be deleted, those first that ended first."""
    in_use = {save.name.key.rpartition("/")[2] for save in store.saves(owner=SERVER_OWNER)}  # and client ids
    ended = [(match.ended, match.id, match) for match in store.matches() if match.ended is not None]
    return [match for _, name, match in sorted(ended, key=lambda one: one[:2]) if name not in in_use]


def _is_old(match: Match, keep_days: float | None, now: float) -> bool:
    return keep_days is not None and match.ended is not None and match.ended < now - keep_days * DAY_SECONDS


def _weight(store: Store, match: Match) -> int:
    """Return about how many bytes a match takes: those of its documents as JSON."""
    events = sum(len(json.dumps(asdict(event))) for event in store.events(match.id))
    return events + sum(len(json.dumps(asdict(snapshot))) for snapshot in store.snapshots(match.id))
