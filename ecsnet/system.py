"""System: what a system is, and on which side it runs."""

from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

if TYPE_CHECKING:
    from ecsnet.world import World

__all__ = ["Processor", "System", "SystemType", "is_predicted"]


class Processor(Protocol):
    """Whatever a World can run: a System, or an `esper.Processor` whose `process` takes the World."""

    def process(self, world: "World", /) -> None:
        """Do one tick's work."""


class System:
    """One rule of a game. An instance belongs to one World; state that matters belongs in components.

    Time and chance are `world.tick`, `world.dt` and `world.rng` only, so that the same inputs give the same game.

    Attributes:
        predicted: Also runs on a client, ahead of the server, for the entities that client steers, has made by `spawn`
            or asks for by `predict`. There its queries see only those; `world.observe` sees the others. It runs again
            for ticks that were predicted wrongly.
    """

    predicted: ClassVar[bool] = False

    def process(self, world: "World", /) -> None:
        """Do one tick's work."""
        raise NotImplementedError(f"{type(self).__name__} has no process(self, world)")


SystemType: TypeAlias = type[Processor]  # a System is one by its shape


def is_predicted(system: SystemType | Processor) -> bool:
    """Tell whether a system also runs on clients; an `esper.Processor` may say `predicted = True` too."""
    return bool(getattr(system, "predicted", False))
