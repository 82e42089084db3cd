"""What appeared, went or changed, told to each asking system once.

Events carry a running number. A reader remembers the number at which its previous run started and sees what lies
between that and the start of its present run; what happens during a run is seen in the next one.

Appearances are kept as one number per living component, so they need no limit. Removals hold the component object; they
are dropped once every reader has passed them, and at REMOVALS_LIMIT whether or not a reader sleeps.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeAlias

__all__ = ["REMOVALS_LIMIT", "Journal", "Reader"]

REMOVALS_LIMIT = 65_536  # of one component type: a cleared level of that size still reaches every system
_FIRST_TRIM = 64

Memory: TypeAlias = dict[int, tuple[int, object]]  # entity -> (number of its appearance, field values)
Rows: TypeAlias = Sequence[tuple[int, Any]]


@dataclass(slots=True, eq=False)
class Reader:
    """What one asker has seen.

    Attributes:
        after: Events up to this number are known.
        until: Events beyond this number are for the next run; None: there is no end.
        newcomer: Never ran yet: whatever is there appears to it now.
        seen: Field values at the last look, by component type.
        changes: What `changed` found in this run, by component type.
        guard: Kept for the World: it drops this reader when its system is gone.
    """

    after: int
    until: int | None = None
    newcomer: bool = True
    seen: dict[type, Memory] = field(default_factory=dict)
    changes: dict[type, list[tuple[int, Any]]] = field(default_factory=dict)
    guard: object = None


@dataclass(slots=True, eq=False)
class Removals:
    """The last removals of one component type, oldest first, as (number, entity, component)."""

    events: deque[tuple[int, int, object]] = field(default_factory=deque)
    trim_at: int = _FIRST_TRIM


class Journal:
    """The events of one World and where each reader stands."""

    __slots__ = ("_appeared", "_number", "_readers", "_removals", "outside")

    def __init__(self, readers: dict[int, Reader]) -> None:
        """Start empty.

        Args:
            readers: Of systems; the World adds and removes them.
        """
        self._number = 0
        self._readers = readers
        self._appeared: dict[type, dict[int, int]] = {}
        self._removals: dict[type, Removals] = {}
        self.outside = Reader(after=0, newcomer=False)  # whoever asks outside of a system

    def note_added(self, entity: int, component_type: type) -> None:
        """Number an appearance. Per type the numbers ascend, since an entity that comes again goes to the end."""
        self._number += 1
        appeared = self._appeared.get(component_type)
        if appeared is None:
            appeared = self._appeared[component_type] = {}
        appeared[entity] = self._number

    def note_removed(self, entity: int, component: object) -> None:
        """Number a removal."""
        self._number += 1
        component_type = type(component)
        del self._appeared[component_type][entity]
        removals = self._removals.get(component_type)
        if removals is None:
            removals = self._removals[component_type] = Removals()
        removals.events.append((self._number, entity, component))
        if len(removals.events) >= removals.trim_at:
            self._trim(removals)

    def types(self) -> list[type]:
        """Return the types of which there is a component."""
        return [component_type for component_type, appeared in self._appeared.items() if appeared]

    def pass_over(self) -> None:
        """Let every reader know all that is there."""
        for reader in (self.outside, *self._readers.values()):
            reader.after, reader.newcomer = self._number, False

    def new_reader(self) -> Reader:
        """Return a reader who has missed nothing: all that is there now will appear to it."""
        return Reader(after=self._number)

    def begin_tick(self, rows_of: Callable[[type], Rows]) -> None:
        """Let askers from outside see this tick only."""
        self.outside.after = self._number
        self.outside.seen = {asked: self._look(asked, rows_of(asked)) for asked in self.outside.seen}

    def begin_run(self, reader: Reader) -> None:
        """Show the reader what happened up to now."""
        reader.until = self._number
        reader.changes.clear()

    def end_run(self, reader: Reader) -> None:
        """Remember that the reader has seen what it was shown."""
        assert reader.until is not None
        reader.after, reader.newcomer = reader.until, False

    def added(self, reader: Reader, component_type: type) -> list[int]:
        """Return the entities to which the component came, oldest appearance first."""
        after = 0 if reader.newcomer else reader.after
        found = []
        for entity, number in reversed(self._appeared.get(component_type, {}).items()):
            if number <= after:
                break
            if reader.until is None or number <= reader.until:
                found.append(entity)
        found.reverse()
        return found

    def removed(self, reader: Reader, component_type: type) -> list[tuple[int, Any]]:
        """Return (entity, the component it had), oldest removal first."""
        removals = self._removals.get(component_type)
        found = []
        for number, entity, component in reversed(removals.events if removals else ()):
            if number <= reader.after:
                break
            if reader.until is None or number <= reader.until:
                found.append((entity, component))
        found.reverse()
        return found

    def changed(self, reader: Reader, component_type: type, rows: Rows) -> list[tuple[int, Any]]:
        """Return the rows whose field values differ from what the reader saw before; new ones do not count."""
        if component_type in reader.changes:
            return reader.changes[component_type][:]
        now = self._look(component_type, rows)
        before = reader.seen.get(component_type)
        if reader is not self.outside or before is None:
            reader.seen[component_type] = now
        found = [] if before is None else [row for row in rows if _differs(before.get(row[0]), now[row[0]])]
        if reader is not self.outside:
            reader.changes[component_type] = found
        return found[:]

    def _look(self, component_type: type, rows: Rows) -> Memory:
        if not is_dataclass(component_type):
            raise TypeError(f"changed({component_type.__name__}) compares fields; decorate it with @component")
        names = [declared.name for declared in fields(component_type)]
        values: Callable[[object], object] = attrgetter(*names) if names else type
        appeared = self._appeared.get(component_type, {})
        if any(declared.default_factory is not MISSING for declared in fields(component_type)):
            return {entity: (appeared[entity], _snapshot(component, names)) for entity, component in rows}
        return {entity: (appeared[entity], values(component)) for entity, component in rows}

    def _trim(self, removals: Removals) -> None:
        """Drop what everybody has seen; then wait until the log doubles, so that this costs next to nothing."""
        known = min(_positions(self.outside, self._readers.values()))
        events = removals.events
        while events and (events[0][0] <= known or len(events) > REMOVALS_LIMIT):
            events.popleft()
        removals.trim_at = min(max(_FIRST_TRIM, 2 * len(events)), REMOVALS_LIMIT + 1)


def _positions(outside: Reader, readers: Iterable[Reader]) -> list[int]:
    return [outside.after, *(reader.after for reader in readers)]


def _snapshot(component: object, names: Iterable[str]) -> tuple[object, ...]:
    """Return a component's values, lists and the like as copies: these are changed in place."""
    values = [getattr(component, name) for name in names]
    return tuple(value.copy() if isinstance(value, list | dict | set) else value for value in values)


def _differs(before: tuple[int, object] | None, now: tuple[int, object]) -> bool:
    """Tell whether the same appearance of a component shows other values."""
    return before is not None and before[0] == now[0] and before[1] != now[1]
