"""Rooms: the games that one server runs side by side, by their codes; opened when wanted, gone when empty."""

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from ecsnet.admission import MAX_ROOM_PASSWORD_BYTES, clean_name
from ecsnet.components.roominfo import RoomInfo
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.errors import EcsnetError, LocalProtocolError, Refused
from ecsnet.game import Game
from ecsnet.quoting import cut
from ecsnet.replication.schema import Schema
from ecsnet.resumed import ResumedRoom
from ecsnet.room import Room
from ecsnet.systems.hall import ANY_ROOM, HALL, Landlord, hall_of
from ecsnet.systems.keeper import Keeping
from ecsnet.systems.pipeline import Step
from ecsnet.systems.recording import Record, Tape
from ecsnet.transport.noise import Entropy
from ecsnet.wire import Tick

__all__ = ["BeginTape", "Rooms"]

MAX_STATUS_BYTES = 96  # what RoomInfo.status may have
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which one reads out loud as numbers

BeginTape: TypeAlias = Callable[[Room, str], Tape]  # for a room and its code, or no code where there is but one

logger = logging.getLogger(__name__)


class Rooms:
    """All rooms of a server: its one room, or the hall and the rooms behind it.

    Attributes:
        main: The one room; with several, the hall.
        schema: Of the game that is played; the hall has another.
    """

    def __init__(
        self,
        game: Game,
        config: ServerConfig,
        *,
        pipeline: Sequence[Step],
        seed: int,
        start_tick: Tick,
        entropy: Entropy,
        keeping: Keeping | None = None,
        resumed: Mapping[str, ResumedRoom] | None = None,
    ) -> None:
        """Open the one room, or the hall if the configuration asks for several.

        Args:
            keeping: What keeps rooms in a store; the hall is not.
            resumed: Rooms to go on with, by code.

        Raises:
            LocalProtocolError: The server that had those had several rooms, and this one has not, or the reverse.
        """
        resumed = resumed or {}
        if any((code == "") is (config.rooms is not None) for code in resumed):
            then, now = ("without", "with") if "" in resumed else ("with", "without")
            raise LocalProtocolError(
                f"the match to go on with was played on a server {then} rooms, and this one is {now}: configure it as "
                "it was (ecsnet serve --rooms), or do not resume"
            )
        self._keeping = keeping
        self._game = game
        self._config = config
        self._pipeline = pipeline
        self._seed = seed
        self._entropy = entropy
        self.schema = Schema(game)
        self._by_code: dict[str, Room] = {}
        self._of: dict[int, Room] = {}  # by client id: where it has its place
        self._opened = 0
        self._begin_tape: BeginTape | None = None
        self.now = 0.0
        if config.rooms is None:
            self.main = Room(
                game, self.schema, config, pipeline=pipeline, seed=seed, start_tick=start_tick, keeping=keeping,
                resumed=resumed.get(""),
            )  # fmt: skip
        else:
            hall = hall_of(game)
            self.main = Room(
                hall, Schema(hall), config, pipeline=pipeline, seed=seed, start_tick=start_tick,
                capacity=config.rooms.max_clients,
            )  # fmt: skip
            self.main.world.create_entity(Landlord(self))
            for code, room in resumed.items():
                self.main.world.shared_seed = room.shared_seed  # all have the same
                self._reopen(code, room)

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Rooms({sorted(self._by_code)})"

    def __iter__(self) -> Iterator[Room]:
        """Iterate over all of them, the main one first."""
        yield self.main
        yield from list(self._by_code.values())

    def __len__(self) -> int:
        """Count the rooms behind the hall; 0 on a server with one room."""
        return len(self._by_code)

    @property
    def several(self) -> RoomConfig | None:
        """How rooms are opened and closed; None on a server with one room."""
        return self._config.rooms

    @property
    def max_clients(self) -> int:
        """Places of the whole server."""
        return self._game.max_clients if self.several is None else self.several.max_clients

    @property
    def by_code(self) -> dict[str, Room]:
        """The rooms behind the hall."""
        return dict(self._by_code)

    def infos(self) -> Iterable[RoomInfo]:
        """Return what is known of every room, for the hall's list; how it stands as the game's summary has it."""
        rooms = self._by_code.values()
        return [replace(info, status=self.status_of(room)) for room in rooms if (info := room.info) is not None]

    def status_of(self, room: Room) -> str:
        """Return how it stands in a room: what that says itself, or the game's summary."""
        said = "" if room.info is None else room.info.status
        return cut(str(said or self._summary(room)), MAX_STATUS_BYTES)

    def _summary(self, room: Room) -> str:
        """Return the game's summary; a room of which the game says nonsense must not take who asks along."""
        if room.game is not self._game:  # in the hall nothing is played
            return ""
        has_run = room.schedule.next_deadline() is not None  # before that there is no match to look for
        if self._game.summary is None or not has_run or not room.tells_summary:
            return ""
        try:
            return ", ".join(f"{name} {value}" for name, value in self._game.summary(room.world).items())
        except Exception:
            logger.exception("the summary of %s failed for room %s", self._game.name, self.code_of(room))
            room.tells_summary = False
            return ""

    def record(self, begin: BeginTape) -> None:
        """Record the one room, or all rooms behind the hall, from now on, and those that open later.

        Raises:
            EcsnetError: A recording cannot begin; of a room that opens later that is logged.
            LocalProtocolError: The pipeline has no step that records.
        """
        if Record not in self._pipeline:
            raise LocalProtocolError("this server's pipeline records nothing: it lacks the step Record")
        self._begin_tape = begin
        for room in self:
            if room is not self.main or self.several is None:
                room.record(begin(room, self.code_of(room)))

    def is_open(self, room: Room) -> bool:
        """Tell whether a room has not been closed."""
        return room is self.main or room in self._by_code.values()

    def code_of(self, room: Room) -> str:
        """Return the code of a room; empty for the one room of a server without several."""
        if room is self.main:
            return HALL if self.several is not None else ""
        return next(code for code, each in self._by_code.items() if each is room)

    # Places.

    def of(self, client_id: int) -> Room | None:
        """Return the room in which a client has its place."""
        return self._of.get(client_id)

    def take_place(self, client_id: int, room: Room) -> None:
        """Give a client a place; whether there is one was asked before."""
        assert client_id not in self._of, f"{client_id} has a place"
        self._of[client_id] = room
        room.places[client_id] = None
        room.count(self.now)

    def leave_place(self, client_id: int) -> Room:
        """Take a client's place back and return where it was."""
        room = self._of.pop(client_id)
        del room.places[client_id]
        room.count(self.now)
        return room

    # Entering.

    def find(self, code: str, password: str) -> Room | None:
        """Return the room somebody may enter by a code; None where the server chooses, which `choose` does.

        Raises:
            Refused: There is none, or the password is wrong; the text is for the player.
        """
        if self.several is None:
            if code:
                raise Refused("this server has no rooms: join it without one")
            return self.main
        if code == HALL:
            return self.main
        if not code or code == ANY_ROOM:
            return None
        room = self._by_code.get(code)
        if room is None:
            raise Refused(f"there is no room {code} here; it may have closed when the last player left")
        if not hmac.compare_digest(room.password.encode(), password.encode()):
            what = "wrong password for" if password else "a password is needed for"
            raise Refused(f"{what} room {code}")
        return room

    def choose(self) -> Room | None:
        """Return a room for somebody who did not name one: the fullest that has a place, else none."""
        free = [room for room in self._by_code.values() if not room.is_full and not room.password]
        return max(free, key=lambda room: len(room.places), default=None)

    @property
    def has_place(self) -> bool:
        """Whether somebody who did not name a room would get into one."""
        return self.choose() is not None or self.several is None or len(self) < self.several.max_rooms

    def choose_or_open(self) -> Room:
        """Return a room for somebody who did not name one; a new one if all are full.

        Raises:
            Refused: There are as many as there may be; the text is for the player.
        """
        room = self.choose()
        return self._by_code[self.open(stays=False)] if room is None else room

    # Opening and closing.

    def create(self, name: str, password: str, capacity: int, creator: int) -> str:
        """Open a room for a client in the hall and return its code; one it opened before goes if nobody is in it."""
        assert self.several is not None
        if not self.several.clients_create:
            raise Refused("players make no rooms on this server")
        arrival = self.main.peers[creator].arrival
        assert arrival is not None, "whoever is in the hall was let in"
        for before in list(self._by_code.values()):
            if before.creator == creator and not before.places:
                self.close(before)
        limit, network = self.several.max_rooms_per_network, arrival.network
        if sum(room.creator_network == network for room in self._by_code.values()) >= limit:
            raise Refused(f"{limit} rooms that players of your network made are open, and it may have no more")
        code = self.open(name, password=password, capacity=capacity, stays=False)
        room = self._by_code[code]
        room.creator, room.creator_network = creator, network
        return code

    def open(self, name: str = "", *, password: str = "", capacity: int = 0, stays: bool = True) -> str:
        """Open a room and return its code.

        Args:
            name: For the list; empty: its code.
            capacity: Places; 0: as many as the configuration says.
            stays: Also when nobody is in it.

        Raises:
            Refused: There are as many as there may be, or what was asked for cannot be; the text says which.
        """
        several = self.several
        if several is None:
            raise Refused("this server has no rooms")
        if len(self) >= several.max_rooms:
            raise Refused(f"all {several.max_rooms} rooms of this server are open")
        if not 0 <= capacity <= self._game.max_clients:
            raise Refused(f"a room has 1 to {self._game.max_clients} places, not {capacity}")
        if len(password.encode()) > MAX_ROOM_PASSWORD_BYTES:
            raise Refused(f"a room's password has at most {MAX_ROOM_PASSWORD_BYTES} bytes")
        code = self._new_code(several.code_letters)
        self._opened += 1
        capacity = capacity or min(several.places or self._game.max_clients, self._game.max_clients)
        info = RoomInfo(code, clean_name(name) or code, capacity=capacity, locked=bool(password))
        self._add(info, password, seed=self._seed + self._opened, stays=stays)
        logger.info("room %s opened (%d of %d)", code, len(self), several.max_rooms)
        return code

    def _add(
        self, info: RoomInfo, password: str, *, seed: int, stays: bool, resumed: ResumedRoom | None = None
    ) -> None:
        room = Room(
            self._game, self.schema, self._config, pipeline=self._pipeline, seed=seed, capacity=info.capacity,
            password=password, stays=stays, info=info, keeping=self._keeping, resumed=resumed, now=self.now,
        )  # fmt: skip
        room.world.shared_seed = self.main.world.shared_seed  # a welcome tells it before the room is chosen
        self._by_code[info.code] = room
        if self._begin_tape is not None:
            try:
                room.record(self._begin_tape(room, info.code))
            except EcsnetError as error:  # it is no reason to let nobody play
                logger.warning("room %s is not recorded: %s", info.code, error)

    def _reopen(self, code: str, resumed: ResumedRoom) -> None:
        """Go on with a room that was open when the server ended."""
        self._opened += 1
        info = RoomInfo(code, resumed.name or code, capacity=resumed.capacity, locked=bool(resumed.password))
        self._add(info, resumed.password, seed=resumed.seed, stays=resumed.stays, resumed=resumed)

    def update(self, now: float) -> None:
        """Close the rooms in which nobody has had a place for long enough."""
        if not self.now:  # the first time: what was opened or gone on with before has been empty since now
            for room in self:
                room.count(now)
        self.now = now
        if self.several is None:
            return
        for room in list(self._by_code.values()):
            if not room.stays and room.empty_since is not None and now - room.empty_since >= self.several.empty_seconds:
                self.close(room)

    def close(self, room: Room) -> None:
        """Let a room go in which nobody has a place."""
        assert not room.places, f"{room} is not empty"
        info = room.info
        code = self.code_of(room)
        if room.keeper is not None:
            room.keeper.close("closed", self.now)
        del self._by_code[code]
        room.end_recording("the room was closed")
        logger.info("room %s closed%s", code, "" if info is None else f" ({info.name})")

    def _new_code(self, letters: int) -> str:
        """Make up a code that no room has; nobody can guess it from others."""
        while True:
            code = "".join(LETTERS[byte % len(LETTERS)] for byte in self._entropy(letters))
            if code not in self._by_code and code.lower() not in {HALL, ANY_ROOM}:
                return code
