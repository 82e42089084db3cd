"""Saves: what of `Persistent` entities is kept for good, and brought back when they appear again.

Whose a save is follows from the entity's `Owner` when `Persistent` appears: the account, token or key its player has
proved, or the world where nobody owns it. A player who has proved nothing is nobody one could know again, so nothing of
it is kept.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecsnet.components.owner import Owner
from ecsnet.components.persistent import Persistent
from ecsnet.components.player import Player
from ecsnet.errors import SchemaError
from ecsnet.replication.schema import Schema
from ecsnet.savebook import SaveBook
from ecsnet.storage.forms import ComponentForm, form_of
from ecsnet.storage.store import WORLD_OWNER, Save, SaveName
from ecsnet.storage.values import NotKeptError
from ecsnet.world import World

__all__ = ["Saves"]

logger = logging.getLogger(__name__)

NOTHING: Mapping[type, object] = {}
_ABSENT = object()  # a component the entity has not


@dataclass(slots=True, eq=False)
class _Kept:
    """An entity of which something is kept.

    Attributes:
        copies: What its components held when it was last looked at, in the order of the game's `persistent`.
        unknown: What the save has that the game does not know: it is kept as it is.
    """

    name: SaveName
    player: str
    copies: list[object]
    unknown: dict[str, object] = field(default_factory=dict)


class Saves:
    """Follows the Persistent entities of one World."""

    def __init__(
        self, schema: Schema, world: World, book: SaveBook, owners: Mapping[int, str], *, where: str, most: int
    ) -> None:
        """Begin with none.

        Args:
            schema: Of the game.
            owners: By client id, always up to date; empty texts are of those who have proved nothing.
            where: The room, for people who look for a mistake.
            most: Saves of one player.
        """
        self._schema = schema
        self._game = game = schema.game
        self._world = world
        self._book = book
        self._owners = owners
        self._where = where
        self._most = most
        self._forms = [form_of(cls) for cls in game.persistent]
        self._kept: dict[int, _Kept] = {}  # by entity

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Saves({len(self._kept)} entities)"

    # Bringing back.

    def adopt(self, entity: int) -> None:
        """Give an entity that has become Persistent what is kept of it, and follow it from now on."""
        persistent = self._world.component_for_entity(entity, Persistent)
        owner = self._world.try_component(entity, Owner)
        client_id = 0 if owner is None else owner.client_id
        name = SaveName(self._game.name, self._owners.get(client_id, "") if client_id else WORLD_OWNER, persistent.key)
        if not name.owner or not self._forms or self._is_in_the_way(entity, name):
            return
        save = self._book.latest(name)
        unknown = {} if save is None else self._apply(entity, save)
        if unknown is None:
            self._book.release(name)
            return
        player = next((each.name for _, each in self._world.observe(Player) if each.client_id == client_id), "")
        copies = [_ABSENT] * len(self._forms) if save is None else self._copies(entity)
        self._kept[entity] = _Kept(name, player, copies, unknown)

    def _is_in_the_way(self, entity: int, name: SaveName) -> bool:
        """Tell whether an entity cannot be kept under its name, and say so."""
        is_new = self._book.latest(name) is None
        if is_new and name.owner != WORLD_OWNER and self._book.count(name.owner) >= self._most:
            logger.error(
                "%s has %d saves, and entity %d (%r) is one too many", name.owner, self._most, entity, name.key
            )
            return True
        place = f"entity {entity} of {self._where}"
        before = self._book.claim(name, place)
        if before != place:
            logger.error(
                "%s and %s are both kept as %r of %s; give one another Persistent.key",
                before,
                place,
                name.key,
                name.owner,
            )
        return before != place

    def _apply(self, entity: int, save: Save) -> dict[str, object] | None:
        """Put the components of a save in place of those an entity has.

        Returns:
            What the game does not know; None: it is better not to touch the save.
        """
        components = {name: dict(part) for name, part in save.components.items() if isinstance(part, dict)}
        unknown = {name: part for name, part in save.components.items() if name not in components}
        try:
            if self._game.migrate is not None:
                self._game.migrate(components)
        except Exception:  # it is code of the game
            logger.exception("migrate failed for %s: it stays as it is, and nothing new is kept there", save.name)
            return None
        unknown.update(components)
        for form in self._forms:
            name = form.cls.__name__
            if name not in unknown:
                continue
            part = unknown.pop(name)
            try:
                made = form.make(part)
                self._schema.check(made)
            except (NotKeptError, SchemaError) as error:
                logger.warning("%s: %s; it is kept beside the new one, see Game(migrate=)", save.name, error)
                unknown[f"{name} (not understood)"] = part
            else:
                self._world.add_component(entity, made)
        for name in unknown:
            logger.warning("%s has %s, which the game does not keep (any more); see Game(migrate=)", save.name, name)
        return unknown

    # Looking.

    def look(self, time: float) -> list[Save]:
        """Return the saves that have changed since the last look; those of entities that are gone, `part` returns.

        Args:
            time: Seconds since 1970.
        """
        looked = [(kept, self._copies(entity)) for entity, kept in self._kept.items() if self._is_there(entity)]
        return [save for kept, copies in looked if (save := self._change(kept, copies, time)) is not None]

    def part(self, time: float, removed: Mapping[int, Mapping[type, object]]) -> list[Save]:
        """Follow entities no more that are gone; return the saves that changed before they went.

        Args:
            removed: The components that went, by entity.
        """
        gone = [entity for entity in self._kept if not self._is_there(entity)]
        looked = [(self._kept[entity], self._copies(entity, removed.get(entity, {}))) for entity in gone]
        for entity in gone:
            self._forget(entity)
        return [save for kept, copies in looked if (save := self._change(kept, copies, time)) is not None]

    def _is_there(self, entity: int) -> bool:
        return self._world.has_component(entity, Persistent)

    def _change(self, kept: _Kept, copies: list[object], time: float) -> Save | None:
        """Note what an entity holds now; return its save if that is something else."""
        if copies == kept.copies:
            return None
        kept.copies = copies
        return self._book.change(kept.name, kept.player, self._components(kept), time)

    def close(self) -> None:
        """Follow nothing any more; look first."""
        for entity in list(self._kept):
            self._forget(entity)

    def let_go(self, client_id: int) -> None:
        """Follow the entities of a player no more; look first."""
        for entity in [entity for entity in self._kept if self._belongs_to(entity, client_id)]:
            self._forget(entity)

    def _belongs_to(self, entity: int, client_id: int) -> bool:
        return self._kept[entity].name.owner == self._owners.get(client_id)

    def _forget(self, entity: int) -> None:
        self._book.release(self._kept.pop(entity).name)

    def _copies(self, entity: int, gone: Mapping[type, object] = NOTHING) -> list[object]:
        """Return what the kept components hold. HOT: once a tick for each Persistent entity."""
        copies = []
        for form in self._forms:
            component = self._world.try_component(entity, form.cls) or gone.get(form.cls)
            copies.append(_ABSENT if component is None else form.copy(component))
        return copies

    def _components(self, kept: _Kept) -> dict[str, object]:
        pairs: Iterable[tuple[ComponentForm, object]] = zip(self._forms, kept.copies, strict=True)
        return {
            **kept.unknown,
            **{form.cls.__name__: form.document(copied) for form, copied in pairs if copied is not _ABSENT},
        }
