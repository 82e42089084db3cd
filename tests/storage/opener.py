"""How a test gets at a store: as often as it likes, each time by a connection of its own, all closed in the end."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from ecsnet.storage.store import Store


class Opener:
    """Opens one and the same store."""

    def __init__(self, opened: Callable[[], Store]) -> None:
        self._opened = opened
        self._shared: Store | None = None
        self._stack = ExitStack()

    def __call__(self) -> Store:
        """Open it once more."""
        store = self._opened()
        self._stack.callback(store.close)
        return store

    def shared(self) -> Store:
        """Return one connection for all examples of a property."""
        if self._shared is None:
            self._shared = self()
        return self._shared

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
