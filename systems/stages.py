"""The stages of a lobby: which follows which, as a table, and what game and clients ask about the stage of a tick."""

from enum import Enum, auto

from ecsnet.components.lobby_rules import LobbyRules
from ecsnet.components.lobby_stage import LobbyStage, Stage
from ecsnet.wire import Tick, advance_tick, tick_difference
from ecsnet.world import World

__all__ = [
    "TRANSITIONS",
    "Happening",
    "advance",
    "finish",
    "is_time_up",
    "rules_of",
    "seat_waiting",
    "seconds_left",
    "stage_begun",
    "stage_now",
]


class Happening(Enum):
    """What moves a lobby on."""

    READY = auto()  # there are enough players, and all of them are ready
    NOT_READY = auto()  # somebody took it back, or is gone
    TIME_UP = auto()
    DECIDED = auto()  # the game says so, by `finish`
    DESERTED = auto()  # nobody has a seat any more


TRANSITIONS: dict[Stage, dict[Happening, Stage]] = {
    Stage.WAITING: {Happening.READY: Stage.COUNTDOWN},
    Stage.COUNTDOWN: {Happening.NOT_READY: Stage.WAITING, Happening.TIME_UP: Stage.RUNNING},
    Stage.RUNNING: {Happening.DECIDED: Stage.FINISHED, Happening.DESERTED: Stage.WAITING},
    Stage.FINISHED: {
        Happening.READY: Stage.COUNTDOWN,  # a rematch need not wait
        Happening.TIME_UP: Stage.WAITING,
        Happening.DESERTED: Stage.WAITING,
    },
}


def stage_now(world: World) -> Stage:
    """Return the stage of this tick, as far as the clock alone decides it; on either side.

    A client that runs ahead of the server knows so when the countdown ends, and is not late by a round trip.
    """
    lobby = world.try_single(LobbyStage)
    if lobby is None:  # the first tick, or a client that has not been told yet
        return Stage.WAITING
    return TRANSITIONS[lobby.stage][Happening.TIME_UP] if is_time_up(lobby, world.tick) else lobby.stage


def stage_begun(world: World) -> Stage | None:
    """Return the stage that has begun in this tick, for what a game does then; None in all other ticks.

    For systems listed after Lobby, on the server; a `finish` of this very tick is not told to those before it.
    """
    lobby = world.try_single(LobbyStage)
    return lobby.stage if lobby is not None and lobby.started_tick == world.tick else None


def seconds_left(world: World) -> float:
    """Return how long the countdown, or the result, still takes; 0 in stages without an end."""
    lobby = world.try_single(LobbyStage)
    if lobby is None or Happening.TIME_UP not in TRANSITIONS[lobby.stage]:
        return 0.0
    return max(0, tick_difference(lobby.ends_tick, world.tick)) / world.tick_rate_hz


def finish(world: World) -> None:
    """End the match: the result is shown for a while, then the lobby opens again. The game decides when.

    Raises:
        RuntimeError: No match is on, the game lists no Lobby, or a client predicts the end.
    """
    lobby = _lobby_of(world, "finish")
    if lobby.stage is not Stage.RUNNING:
        raise RuntimeError(f"finish() in stage {lobby.stage.name}: only a match that is RUNNING ends; ask stage_now()")
    advance(world, lobby, Happening.DECIDED)


def seat_waiting(world: World) -> None:
    """Let whoever waits for a seat have one in the next tick: the game has a break, where late joiners may come in.

    Raises:
        RuntimeError: The game lists no Lobby, or a client predicts the break.
    """
    _lobby_of(world, "seat_waiting").is_break = True


def advance(world: World, lobby: LobbyStage, happening: Happening) -> bool:
    """Go on to the stage that follows by the table; return False where nothing follows."""
    following = TRANSITIONS[lobby.stage].get(happening)
    if following is None:
        return False
    rules = rules_of(world)
    seconds = {Stage.COUNTDOWN: rules.countdown_seconds, Stage.FINISHED: rules.finished_seconds}.get(following, 0.0)
    lobby.stage, lobby.started_tick = following, world.tick
    lobby.ends_tick = advance_tick(world.tick, round(seconds * world.tick_rate_hz))
    return True


def rules_of(world: World) -> LobbyRules:
    """Return the game's rules, or the usual ones if it has set none."""
    return world.try_single(LobbyRules) or LobbyRules()


def is_time_up(lobby: LobbyStage, tick: Tick) -> bool:
    """Tell whether the end of a stage that has one has come by `tick`."""
    return Happening.TIME_UP in TRANSITIONS[lobby.stage] and tick_difference(tick, lobby.ends_tick) >= 0


def _lobby_of(world: World, asked: str) -> LobbyStage:
    if world.is_predicting:
        raise RuntimeError(f"{asked}() in a predicted system: the server decides that; guard it by world.is_predicting")
    lobby = world.try_single(LobbyStage)
    if lobby is None:
        raise RuntimeError(
            f"{asked}() without a lobby: list ecsnet.systems.Lobby in Game(systems=...), before the asker"
        )
    return lobby
