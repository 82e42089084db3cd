"""Keeper: what becomes of one room's game in the store.

At once: what happened (`note`), and what of `Persistent` entities changed. Now and then, and when a match ends: the
World as it stands. What the store makes of it, and when, is the archive's business; no tick waits for it.

A *match* begins when the room opens, ends when its lobby's match is finished, and the next begins when the lobby moves
on. A game without a lobby is one match, as long as the room is open.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from re import sub

from ecsnet.archive import Archive
from ecsnet.components.lobby_stage import LobbyStage, Stage
from ecsnet.components.owner import Owner
from ecsnet.components.persistent import Persistent
from ecsnet.components.player import Player
from ecsnet.fields import FieldKind
from ecsnet.gameevent import event_spec_of
from ecsnet.replication.schema import Schema
from ecsnet.rpc import RefusalCode
from ecsnet.savebook import ROOM, SaveBook, own_name
from ecsnet.storage.forms import form_of
from ecsnet.storage.store import Batch, Document, Match, Save, SaveName, StoredEvent
from ecsnet.storage.values import ANYTHING
from ecsnet.systems.saves import Saves
from ecsnet.systems.snapshots import Snapshots
from ecsnet.transport.allowance import Allowances
from ecsnet.world import World

__all__ = ["Keeper", "Keeping", "match_id"]

STOPPED = "stopped"  # a match whose server was, and may go on with it

logger = logging.getLogger(__name__)


def match_id(started: float, game: str, room: str, server: str) -> str:
    """Return what a match is called: when it began, what is played and where; fit for file names."""
    moment = datetime.fromtimestamp(started, UTC).strftime("%Y%m%d-%H%M%S")
    return "-".join(sub(r"[^A-Za-z0-9_]+", "-", part) for part in (moment, game, room, server) if part)


@dataclass(frozen=True, slots=True, eq=False)
class Keeping:
    """What all rooms of a server have in common that are kept in a store.

    Attributes:
        book: The saves at hand.
        server: A few letters that tell this server from others which use the same store.
    """

    archive: Archive
    book: SaveBook
    server: str

    def keeper(self, schema: Schema, world: World, code: str) -> "Keeper":
        """Begin to keep a room."""
        return Keeper(self, schema, world, code)


class Keeper:
    """Keeps the matches of one room.

    Attributes:
        saves: What is kept for good.
        owners: Of the players who have their place here, by client id; empty texts of those who have proved nothing.
        match: The one that is on, or has just ended.
        last_event: The number of its newest event.
        snapshots: How the World stands, now and then.
    """

    def __init__(self, keeping: Keeping, schema: Schema, world: World, code: str) -> None:
        """Open the first match.

        Args:
            schema: Of the game.
            code: Of the room; empty where there is but one.
        """
        self.owners: dict[int, str] = {}
        self._archive = archive = keeping.archive
        self._server = keeping.server
        self._game = game = schema.game
        self._world = world
        self._code = code
        config = archive.config
        self.saves = Saves(
            schema, world, keeping.book, self.owners, where=f"room {code}" if code else "the room",
            most=config.max_saves_of_one_owner,
        )  # fmt: skip
        rate = config.max_refused_calls_per_second
        self._refused = Allowances(rate, max(1, round(rate)), most=game.max_clients)
        self._unnoted: dict[int, int] = {}  # refused calls that were not noted, by client
        self._events: list[StoredEvent] = []
        self._matches: list[Match] = []
        self._opened: list[Save] = []
        self._shut: list[SaveName] = []
        self._snapshot_at: float | None = None  # when the next is due; None: at once
        self._is_closed = False
        self._stage: Stage | None = None
        self.last_event = 0
        self.snapshots = Snapshots(world, archive, keeping.server)
        self.match = self._begin()

    def __repr__(self) -> str:
        """Show the match."""
        return f"Keeper({self.match.id}, {self.last_event} events)"

    # What happens.

    def note(self, kind: str, clients: Sequence[int] = (), data: Document | None = None) -> None:
        """Keep that something happened.

        Args:
            clients: Players it is about.
            data: What is to be said of it, as JSON has it.
        """
        self.last_event += 1
        owners = dict.fromkeys(self.owners.get(client_id, "") for client_id in clients)
        self._events.append(
            StoredEvent(
                match=self.match.id,
                number=self.last_event,
                tick=self._world.tick,
                time=self._archive.unix_time(),
                kind=kind,
                players=tuple(owner for owner in owners if owner),
                data=data or {},
            )
        )

    def note_sent(self, event: object) -> None:
        """Keep an event of the game's own, unless it is one of those that are worth nothing later."""
        spec = event_spec_of(type(event))
        assert spec is not None, f"{event!r} is no event"
        if spec.reliable:
            refs = [getattr(event, each.name) for each in spec.parameters if each.kind is FieldKind.ENTITY]
            owners = [self._world.try_component(entity, Owner) for entity in refs]
            form = form_of(type(event))
            clients = [owner.client_id for owner in owners if owner is not None]
            self.note(spec.name, clients, form.document(form.copy(event)))

    def note_refused(self, client_id: int, rpc: str, code: RefusalCode, text: str, now: float) -> None:
        """Keep that a call was refused; of one who is refused all the time, how often beside."""
        if not self._refused.take(str(client_id), now):
            self._unnoted[client_id] = self._unnoted.get(client_id, 0) + 1
            return
        more = self._unnoted.pop(client_id, 0)
        told: Document = {"client_id": client_id, "rpc": rpc, "code": code.name, "text": text, "more": more}
        self.note("refused-call", [client_id], told)

    # Who is here.

    def admit(self, client_id: int, owner: str) -> None:
        """Know a player who gets a place."""
        self.owners[client_id] = owner

    def let_go(self, client_id: int, now: float) -> None:
        """Keep what a player has before it goes, and know it no more."""
        self._put(Batch(saves=self.saves.look(self._archive.unix_time())), now)
        self.saves.let_go(client_id)
        self.owners.pop(client_id, None)
        self._unnoted.pop(client_id, None)

    # The tick.

    def look(self, now: float) -> None:
        """Keep what has changed of Persistent entities; after a call that is answered on arrival."""
        self._put(Batch(saves=self.saves.look(self._archive.unix_time())), now)

    def process(self, now: float) -> None:
        """Keep what there is to keep of a tick; after the end, what happens to those who are sent away, and no more."""
        if self._is_closed:
            self.flush(now)
            return
        self._follow_lobby(now)
        snapshots = []
        if self._snapshot_at is None or now >= self._snapshot_at:
            self._snapshot_at = now + self._archive.config.snapshot_seconds
            snapshots.append(self.snapshots.take(self.match, self.owners))
        saves = self.saves.look(self._archive.unix_time())
        self._put(Batch(saves=saves, snapshots=snapshots), now)

    def follow(self, now: float) -> None:
        """Keep what entities had that are gone, then give those that have just become Persistent what was kept."""
        removed: dict[int, dict[type, object]] = {}
        for cls in self._game.persistent:
            for entity, component in self._world.removed(cls):
                removed.setdefault(entity, {})[cls] = component
        self._put(Batch(saves=self.saves.part(self._archive.unix_time(), removed)), now)
        for entity, _ in self._world.added(Persistent):
            self.saves.adopt(entity)

    def close(self, ending: str, now: float) -> None:
        """Keep how it stands, for good: the room closes, or, without an `ending`, the server goes and may come back.

        What was deleted since the last tick, or in one that failed, stays as it was kept last.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if ending:
            self._shut.append(self._own_name_of(self.match))
        if self.match.ended is None:  # and not finished a moment ago
            self._end(ending or STOPPED)
        saves = self.saves.look(self._archive.unix_time())
        self._put(Batch(saves=saves, snapshots=[self.snapshots.take(self.match, self.owners)]), now)
        if ending:
            self.saves.close()

    def flush(self, now: float) -> None:
        """Hand over what was noted since."""
        self._put(Batch(), now)

    def _put(self, batch: Batch, now: float) -> None:
        """Hand over what was noted, with what goes along."""
        if batch.saves or batch.snapshots or self._events or self._matches or self._shut:
            saves = [*batch.saves, *self._opened]
            whole = replace(
                batch, matches=self._matches[:], events=self._events[:], saves=saves, removed=self._shut[:]
            )  # fmt: skip
            self._archive.put(whole, now)
            self._forget_noted()

    def _forget_noted(self) -> None:
        for noted in (self._matches, self._events, self._opened, self._shut):
            noted.clear()

    # Matches.

    def resume(self, match: Match, last_event: int) -> None:
        """Go on with a match that was on when its server ended."""
        self._forget_noted()
        if match.ending in (STOPPED, "abandoned"):
            match = replace(match, ended=None, ending="", summary={})
            self._matches.append(match)
        self._opened.append(self._own_save(match))
        self.match, self.last_event = match, last_event
        for entity, _ in self._world.observe(Persistent):
            self.saves.adopt(entity)
        self._stage = self._stage_now()
        self.note("resumed")

    def _begin(self) -> Match:
        """Open a match, and return it."""
        started = self._archive.unix_time()
        match = Match(
            id=self._archive.new_match_id(match_id(started, self._game.name, self._code, self._server)),
            game=self._game.name,
            version=self._game.version,
            room=self._code,
            started=started,
            tick_rate_hz=self._game.tick_rate_hz,
        )
        self.last_event = 0
        self._snapshot_at = None
        self._matches.append(match)
        self._opened.append(self._own_save(match))
        return match

    def _own_save(self, match: Match) -> Save:
        """Return what says that a match is on."""
        told: Document = {"room": {"code": self._code}}
        return Save(name=self._own_name_of(match), revision=1, time=match.started, components=told)

    def _own_name_of(self, match: Match) -> SaveName:
        return own_name(self._game.name, self._server, ROOM, match.id)

    def _end(self, ending: str) -> None:
        summary = self._summary()
        self.note("match-ended", data={"ending": ending, "summary": summary})
        self.match = replace(self.match, ended=self._archive.unix_time(), ending=ending, summary=summary)
        self._matches.append(self.match)

    def _summary(self) -> Document:
        if self._game.summary is None:
            return {}
        try:
            return {str(name): _plain(value) for name, value in self._game.summary(self._world).items()}
        except Exception:  # it is code of the game, and this is the whole server's loop
            logger.exception("the summary of %s failed", self._game.name)
            return {}

    def _stage_now(self) -> Stage | None:
        rows = self._world.observe(LobbyStage)
        return rows[0][1].stage if rows else None

    def _follow_lobby(self, now: float) -> None:
        """Begin and end matches as the lobby does."""
        stage, before = self._stage_now(), self._stage
        if stage is before:
            return
        self._stage = stage
        if before is Stage.FINISHED:
            self._shut.append(self._own_name_of(self.match))
            self.match = self._begin()
            for _, player in self._world.observe(Player):  # nobody joins it who is here already
                self.note("stayed", [player.client_id], {"client_id": player.client_id, "name": player.name})
        if stage is not None:
            self.note("stage", data={"stage": stage.name})
        if stage is Stage.RUNNING:
            self.note("match-began", list(self.owners))
        elif stage is Stage.FINISHED:
            self._end("finished")
            self._put(Batch(snapshots=[self.snapshots.take(self.match, self.owners)]), now)


def _plain(value: object) -> object:
    """Return what a game's summary says, as JSON and every database has it; what they have no form for, as a text."""
    if isinstance(value, Enum):
        return value.name
    written = ANYTHING.write(value) if isinstance(value, str | int | float | None) else {}
    return str(value).encode("utf-8", "backslashreplace").decode() if isinstance(written, dict) else written
