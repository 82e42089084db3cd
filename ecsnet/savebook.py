"""SaveBook: the saves a server has at hand: those of the players who are here, and the world's."""

from collections.abc import Iterable

from ecsnet.storage.store import SERVER_OWNER, Save, SaveName

__all__ = ["ROOM", "SESSION", "SaveBook", "own_name"]

SESSION, ROOM = "session", "room"  # what a server keeps for itself: of each player, and of each match that is on


def own_name(game: str, server: str, kind: str, key: object = "") -> SaveName:
    """Return what names a save of a server's own; without a key, what the names of all of a kind begin with."""
    return SaveName(game, SERVER_OWNER, f"{server}/{kind}/{key}")


class SaveBook:
    """The newest of every save, written or on its way; the rooms of a server share it: players move between them."""

    def __init__(self, saves: Iterable[Save] = ()) -> None:
        """Begin with those of the world."""
        self._saves = {save.name: save for save in saves}
        self._by_owner: dict[str, dict[SaveName, None]] = {}
        self._keepers: dict[SaveName, object] = {}
        for name in self._saves:
            self._by_owner.setdefault(name.owner, {})[name] = None

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"SaveBook({len(self._saves)} saves of {len(self._by_owner)} owners)"

    def has(self, owner: str) -> bool:
        """Tell whether an owner's saves are here, of whom there may be none."""
        return owner in self._by_owner

    def bring(self, owner: str, saves: Iterable[Save]) -> None:
        """Have an owner's saves at hand, as the store has them."""
        self._by_owner[owner] = {save.name: None for save in saves}
        self._saves.update({save.name: save for save in saves})

    def drop(self, owner: str) -> None:
        """Let go of an owner's saves: it has gone."""
        for name in self._by_owner.pop(owner, ()):
            del self._saves[name]

    def count(self, owner: str) -> int:
        """Return how many an owner has."""
        return len(self._by_owner.get(owner, ()))

    def latest(self, name: SaveName) -> Save | None:
        """Return a save; None if there never was one."""
        return self._saves.get(name)

    def claim(self, name: SaveName, keeper: object) -> object:
        """Have a save follow one entity alone; return who has it now: the keeper, or somebody who was before it."""
        return self._keepers.setdefault(name, keeper)

    def release(self, name: SaveName) -> None:
        """Let a save follow another entity."""
        self._keepers.pop(name, None)

    def change(self, name: SaveName, player: str, components: dict[str, object], time: float) -> Save:
        """Note what a save has become, and return it to be written."""
        before = self._saves.get(name)
        save = Save(
            name=name,
            revision=1 if before is None else before.revision + 1,
            time=time,
            player=player,
            components=components,
        )
        self._saves[name] = save
        self._by_owner.setdefault(name.owner, {})[name] = None
        return save
