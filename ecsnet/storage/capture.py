"""Capture: a copy of a whole World, as it is between two ticks; and the documents made of it, later and elsewhere.

To copy is all that a tick pays for, 0.15 µs a component; the rest is done by whoever writes the snapshot, entity by
entity, so that it can let the game's thread have the interpreter in between.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from ecsnet.components.owner import Owner
from ecsnet.components.player import Player
from ecsnet.storage.forms import ComponentForm, form_of
from ecsnet.storage.store import Document
from ecsnet.wire import Tick
from ecsnet.world import World

__all__ = ["Capture", "PacedDocuments", "Pause", "capture", "component_names"]

PASSED_A_LOOKUP = 4  # rows that are passed over in the time in which one is looked up

ENTITIES_A_SLICE = 16  # 0.2 ms of work: a tick that falls due meanwhile is not later than that
_COMPONENT = itemgetter(1)

Pause: TypeAlias = Callable[[], None]  # lets other threads have the interpreter


class Column(NamedTuple):
    """All components of one type: whose they are, ascending, and what they held."""

    name: str
    form: ComponentForm
    entities: Sequence[int]
    copies: Sequence[object]


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """How a World stood.

    Attributes:
        ids: All entities, ascending.
        names: Of the players, by client id.
        foreign: Component types that have no fields we know of, and are not in it.
    """

    tick: Tick
    ids: Sequence[int]
    columns: Sequence[Column]
    names: dict[int, str]
    foreign: Sequence[type]

    def entities(self) -> Iterator[Document]:
        """Make the documents of a `Snapshot.entities`, one by one."""
        places = [0] * len(self.columns)
        for entity in self.ids:
            components: Document = {}
            document: Document = {"entity": entity}
            for number, column in enumerate(self.columns):
                at = places[number]
                if at < len(column.entities) and column.entities[at] == entity:
                    places[number] += 1
                    components[column.name] = column.form.document(column.copies[at])
                    if column.form.cls is Owner:
                        document["owner"] = self._owner(column.copies[at])
            yield {**document, "components": components}

    def _owner(self, client_id: object) -> Document:
        assert isinstance(client_id, int)
        return {"client_id": client_id, "name": self.names.get(client_id, "")}


class PacedDocuments:
    """The documents of a capture, made anew whenever somebody goes through them: a write may have to be repeated."""

    def __init__(self, capture: Capture, pause: Pause) -> None:
        """Make none yet.

        Args:
            pause: Called between two slices.
        """
        self._capture = capture
        self._pause = pause

    def __repr__(self) -> str:
        """Show what they are of."""
        return f"PacedDocuments(tick {self._capture.tick}, {len(self._capture.ids)} entities)"

    def __iter__(self) -> Iterator[Document]:
        """Make them one by one."""
        for number, document in enumerate(self._capture.entities()):
            if number % ENTITIES_A_SLICE == 0:
                self._pause()
            yield document


def capture(world: World, entities: Sequence[int] | None = None) -> Capture:
    """Copy a World. HOT: tests/bench/bench_persistence.py.

    Args:
        entities: Of it only these, ascending: a few cost little, however large the World is.
    """
    types = world.component_types()
    names = component_names(types)
    columns, foreign = [], []
    for cls in types:
        form = form_of(cls)
        if not form.is_known:
            foreign.append(cls)
        if not (form.is_known and form.is_kept):
            continue
        rows: Sequence[tuple[int, object]] = (
            world.observe(cls) if entities is None else _rows_of(world, cls, entities)
        )  # fmt: skip
        copies = list(map(form.copy, map(_COMPONENT, rows)))
        columns.append(Column(names[cls], form, [entity for entity, _ in rows], copies))
    players = {player.client_id: player.name for _, player in world.observe(Player)}
    return Capture(world.tick, world.entities() if entities is None else entities, columns, players, foreign)


def _rows_of(world: World, cls: type, entities: Sequence[int]) -> list[tuple[int, object]]:
    """Return what some entities have of a type, by whichever way is shorter."""
    rows: Sequence[tuple[int, object]] = world.observe(cls)
    if len(rows) <= PASSED_A_LOOKUP * len(entities):
        wanted = set(entities)
        return [row for row in rows if row[0] in wanted]
    found = [(entity, world.try_component(entity, cls)) for entity in entities]
    return [row for row in found if row[1] is not None]


def component_names(types: Sequence[type]) -> dict[type, str]:
    """Return what component types are called in documents: their names, with the module where two have the same."""
    counts: dict[str, int] = {}
    for cls in types:
        counts[cls.__name__] = counts.get(cls.__name__, 0) + 1
    return {cls: cls.__name__ if counts[cls.__name__] == 1 else f"{cls.__module__}:{cls.__name__}" for cls in types}
