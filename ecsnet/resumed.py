"""Resumed: what a server goes on with that was ended while games were on; made of a store by `resume`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecsnet.arrival import Arrival
from ecsnet.storage.store import Match, Save
from ecsnet.wire import Tick

__all__ = ["Resumed", "ResumedRoom", "ResumedSession"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumedRoom:
    """A room as its last snapshot has it.

    Attributes:
        last_event: The number of the newest event of the match.
        shared_seed: `World.shared_seed`, which its clients know.
        entities: The components of each, ascending.
        name: What the room was called; it and the following are of a room behind a hall.
    """

    match: Match
    last_event: int
    tick: Tick
    seed: int
    shared_seed: int
    entities: Mapping[int, Sequence[object]]
    next_entity: int
    name: str = ""
    password: str = field(default="", repr=False)
    capacity: int = 0
    stays: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumedSession:
    """A player who had a place, and may come back to it.

    Attributes:
        room: The code of the room.
        serial: Of the newest resume ticket that was taken.
    """

    client_id: int
    session_id: bytes
    serial: int
    arrival: Arrival
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Everything a server goes on with.

    Attributes:
        rooms: By code; an empty one is that of a server with one room.
        saves: Of the players who had a place, by owner.
        last_client_id: None is given twice.
    """

    rooms: Mapping[str, ResumedRoom] = field(default_factory=dict)
    sessions: Sequence[ResumedSession] = ()
    saves: Mapping[str, Sequence[Save]] = field(default_factory=dict)
    last_client_id: int = 0
