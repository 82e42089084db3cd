"""Query lists that follow every structural change, instead of being built anew after each.

esper drops all its cached queries at every spawn. Here a change touches only the queries it concerns. What a query
returned is never changed: a list handed out stays as it was, however the World changes while somebody iterates.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

__all__ = ["Queries", "QueryKey", "Rows", "Views"]

Components: TypeAlias = Mapping[type, object]
QueryKey: TypeAlias = (
    "type | tuple[type, ...]"  # one type gives (entity, component); a tuple (entity, (component, ...))
)
Rows: TypeAlias = list[tuple[int, Any]]  # Any: a component of the type asked for; World's overloads say which
Views: TypeAlias = dict[QueryKey, Rows]

_ENTITY = itemgetter(0)


class Query:
    """The rows of one query, ascending by entity."""

    __slots__ = ("_in_order", "_key", "_newest", "_pick", "_rows", "_views", "required")

    def __init__(self, key: QueryKey, scope: type | None, views: Views) -> None:
        """Start without rows.

        Args:
            key: What a row holds.
            scope: A type an entity must have besides; not part of the row.
            views: Where the list of the moment is kept under `key`, and removed when it is outdated.
        """
        types = key if isinstance(key, tuple) else (key,)
        self.required = types if scope is None else (*types, scope)
        self._key = key
        self._pick: Callable[[Components], object] = itemgetter(key) if isinstance(key, type) else _picker(types)
        self._views = views
        self._rows: dict[int, tuple[int, Any]] = {}
        self._newest = 0
        self._in_order = True

    def insert(self, entity: int, components: Components) -> None:
        """Add the entity's row if it matches; replace the one it has."""
        for required in self.required:
            if required not in components:
                return
        if entity > self._newest:
            self._newest = entity
        elif entity not in self._rows:
            self._in_order = False  # an older entity joins late; sorted when the query is next asked
        self._rows[entity] = (entity, self._pick(components))
        self._views.pop(self._key, None)

    def remove(self, entity: int) -> None:
        """Remove the entity's row if it has one."""
        if self._rows.pop(entity, None) is not None:
            self._views.pop(self._key, None)

    def view(self) -> Rows:
        """Make the list of the moment and remember it."""
        if not self._in_order:
            self._rows = dict(sorted(self._rows.items(), key=_ENTITY))
            self._newest = next(reversed(self._rows), 0)
            self._in_order = True
        rows = self._views[self._key] = list(self._rows.values())
        return rows


class Queries:
    """All queries of one World; there is one for each combination of types ever asked for.

    Attributes:
        views: The list of the moment of each query that has not changed since it was asked. HOT: looked up by every
            query of every system; tests/bench/bench_world.py.
        scoped_views: The same, of entities that have the scope's marker.
    """

    __slots__ = ("_by_first_type", "_by_type", "_entities", "_queries", "_scope", "scoped_views", "views")

    def __init__(self, entities: Mapping[int, Components], scope: type | None) -> None:
        """Follow `entities`, which the World changes and reports."""
        self._entities = entities
        self._scope = scope
        self._queries: dict[tuple[QueryKey, bool], Query] = {}
        self._by_type: dict[type, list[Query]] = {}
        self._by_first_type: dict[type, list[Query]] = {}  # enough where an entity comes or goes as a whole
        self.views: Views = {}
        self.scoped_views: Views = {}

    def ask(self, key: QueryKey, views: Views) -> Rows:
        """Return the list of the moment when `views` does not have it."""
        if not key:
            raise TypeError("a query names at least one component type")
        scoped = views is self.scoped_views
        query = self._queries.get((key, scoped)) or self._build(key, views, scoped=scoped)
        return query.view()

    def created(self, entity: int, components: Components) -> None:
        """Follow a new entity."""
        for component_type in components:
            for query in self._by_first_type.get(component_type, ()):
                query.insert(entity, components)

    def deleted(self, entity: int, components: Components) -> None:
        """Follow the end of an entity, told what it had."""
        for component_type in components:
            for query in self._by_first_type.get(component_type, ()):
                query.remove(entity)

    def inserted(self, entity: int, component_type: type) -> None:
        """Follow a component that came to an entity or was replaced."""
        components = self._entities[entity]
        for query in self._by_type.get(component_type, ()):
            query.insert(entity, components)

    def removed(self, entity: int, component_type: type) -> None:
        """Follow a component that went from an entity."""
        for query in self._by_type.get(component_type, ()):
            query.remove(entity)

    def _build(self, key: QueryKey, views: Views, *, scoped: bool) -> Query:
        query = Query(key, self._scope if scoped else None, views)
        for required in query.required:
            if not isinstance(required, type):
                raise TypeError(f"a query names component types, not {required!r}")
        for entity in sorted(self._entities):
            query.insert(entity, self._entities[entity])
        for required in dict.fromkeys(query.required):
            self._by_type.setdefault(required, []).append(query)
        self._by_first_type.setdefault(query.required[0], []).append(query)
        self._queries[key, scoped] = query
        return query


def _picker(types: tuple[type, ...]) -> Callable[[Components], object]:
    """Return what takes a tuple of these types from an entity's components; itemgetter of one would give no tuple."""
    if len(types) == 1:
        only = types[0]
        return lambda components: (components[only],)
    return itemgetter(*types)
