"""The file of a store: what it takes for one, how it comes up to date, and what happens when it cannot be written."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.storage import sqlitefile
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Batch, Document, Match, Save, SaveName, Snapshot, StoredEvent
from tests.process.serving import ROOT

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes and limits")

NOBODY = 65534

MATCH = Match(id="20261130-180000-knight", game="knight", started=1796061600.0)


def entities(how_many: int) -> list[Document]:
    return [{"entity": n, "owner": {"name": "anna"}, "components": {"Gold": {"amount": n}}} for n in range(how_many)]


def batch(number: int = 1, how_many: int = 3) -> Batch:
    """Return a bit of everything, with entities that can be asked for once."""
    return Batch(
        matches=[MATCH],
        events=[StoredEvent(match=MATCH.id, number=number, tick=number, time=MATCH.started, kind="joined")],
        saves=[Save(name=SaveName("knight", "account/anna"), revision=number, time=MATCH.started, player="Anna")],
        snapshots=[
            Snapshot(
                match=MATCH.id,
                tick=number,
                time=MATCH.started,
                seconds=0.0,
                count=how_many,
                entities=iter(entities(how_many)),
            )
        ],
    )


def kept(store: SQLiteStore) -> Any:
    """Return what a store tells of the batches, shortly."""
    revisions = [save.revision for save in store.saves()]
    numbers = [event.number for event in store.events(MATCH.id)]
    return [
        len(store.matches()),
        numbers,
        revisions,
        [len([*snapshot.entities]) for snapshot in store.snapshots(MATCH.id)],
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one batch in it."""
    path = tmp_path / "a folder" / "game?#.db"
    path.parent.mkdir()
    with closing(SQLiteStore(path)) as store:
        store.write(batch())
    return path


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    """The same, in use."""
    with closing(SQLiteStore(path)) as store:
        yield store


@posix_only
def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """With all that stands beside it: it has what players said, and what they own."""
    before = os.umask(0)
    try:
        with closing(SQLiteStore(tmp_path / "game.db")) as store:
            store.write(batch())
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"game.db": 0o600, "game.db-wal": 0o600, "game.db-shm": 0o600}
    assert [file.name for file in tmp_path.iterdir()] == ["game.db"], "closed, it is one file"


def test_a_missing_file_is_not_made_by_asking(tmp_path: Path) -> None:
    """A slip in its name would be answered with nothing."""
    with pytest.raises(StoreError, match=r"there is no store .*missing\.db: ecsnet serve --store .* makes it"):
        SQLiteStore(tmp_path / "missing.db", create=False)
    for create in (False, True):
        with pytest.raises(StoreError, match=r"cannot use the store .*: it is a folder; name a file"):
            SQLiteStore(tmp_path, create=create)
    with pytest.raises(StoreError, match=r"cannot use the store .*game\.db: there is no folder .*nowhere"):
        SQLiteStore(tmp_path / "nowhere" / "game.db")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("content", [b"score,3\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000, bytes(600)])
def test_a_file_of_something_else_is_named_and_left_alone(tmp_path: Path, content: bytes, *, create: bool) -> None:
    """It may be the only copy of something."""
    path = tmp_path / "game.db"
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"game\.db cannot be used as a store: .* put a good copy in its place"):
        SQLiteStore(path, create=create)
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_another_programs_database_is_left_alone(tmp_path: Path, journal: str, *, create: bool) -> None:
    """Even one with a table of that name."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute("CREATE TABLE matches (winner TEXT)")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="it is no store of ecsnet"):
        SQLiteStore(path, create=create)
    assert path.read_bytes() == before


def test_a_damaged_file_is_refused_and_left_alone(path: Path) -> None:
    """Rather at once than in the middle of a match."""
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xa5" * 8192
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"cannot be used as a store: it is damaged"):
        SQLiteStore(path)
    assert path.read_bytes() == content


def test_a_large_file_is_opened_without_reading_all_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take seconds at each question; damage is named by the question that meets it."""
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[4096 * page : 4096 * page + 64] = b"\xa5" * 64
    path.write_bytes(content)
    monkeypatch.setattr(sqlitefile, "CHECKED_BYTES", len(content) - 1)

    with closing(SQLiteStore(path)) as store, pytest.raises(StoreError, match="cannot be used as a store") as caught:
        store.matches()
    assert not isinstance(caught.value, StoreUnavailable)


def test_a_newer_file_is_refused_with_the_fix(path: Path) -> None:
    """Whoever went back to an older ecsnet must not lose what the newer one has kept."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")

    with pytest.raises(StoreError, match=r"is of version 3, and this ecsnet knows 1: update ecsnet"):
        SQLiteStore(path)


def test_an_older_file_comes_up_to_date_with_all_that_is_in_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through all versions between, each by its own script."""
    moods = "ALTER TABLE matches ADD COLUMN mood TEXT NOT NULL DEFAULT 'good';\nUPDATE matches SET mood = 'fine'"
    drop = "CREATE TABLE moods AS SELECT id, mood FROM matches;\nALTER TABLE matches DROP COLUMN mood"
    monkeypatch.setattr(sqlitefile, "MIGRATIONS", (*sqlitefile.MIGRATIONS, moods, drop))
    with closing(SQLiteStore(path)) as store:
        assert kept(store) == [1, [1], [1], [3]]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT mood FROM moods").fetchall() == [("fine",)]
        assert database.execute("PRAGMA user_version").fetchone() == (3,)

    SQLiteStore(path).close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it would be of no version at all."""
    monkeypatch.setattr(sqlitefile, "MIGRATIONS", (*sqlitefile.MIGRATIONS, "DROP TABLE events;\nDROP TABLE missing"))
    with pytest.raises(StoreError, match="no such table: missing"):
        SQLiteStore(path)
    monkeypatch.undo()

    with closing(SQLiteStore(path)) as store:
        assert kept(store) == [1, [1], [1], [3]]


def test_a_file_whose_making_was_cut_short_is_made(tmp_path: Path) -> None:
    """It is empty then: the layout is one transaction."""
    path = tmp_path / "game.db"
    path.touch()
    with pytest.raises(StoreError, match="it is no store of ecsnet"):
        SQLiteStore(path, create=False)
    with closing(SQLiteStore(path)) as store:
        store.write(batch())

        assert kept(store) == [1, [1], [1], [3]]


def test_a_locked_file_is_written_later_and_read_meanwhile(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is in it with the sqlite3 shell. The same batch goes in afterwards: nothing of it was used up."""
    waiting = batch(2)
    monkeypatch.setattr(sqlitefile, "PATIENCE_SECONDS", 0.01)
    with closing(SQLiteStore(path)) as writer, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"game\?#\.db now: database is locked"):
                writer.write(waiting)
        with pytest.raises(StoreUnavailable, match="locked"):
            writer.remove_match(MATCH.id)
        assert kept(writer) == kept(store) == [1, [1], [1], [3]]
        other.execute("COMMIT")
        writer.write(waiting)

    assert kept(store) == [1, [1, 2], [2], [3, 3]]


def test_a_reader_in_the_middle_of_its_question_holds_no_writer_up(store: SQLiteStore, path: Path) -> None:
    """Also one that is no ecsnet, and keeps the state that it began with."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM events").fetchall()
        store.write(batch(2))
        store.forget("account/bert", ["Bert"])

        assert reader.execute("SELECT count(*) FROM events").fetchall() == before


def test_a_file_that_cannot_be_written_now_is_read_all_the_same(store: SQLiteStore) -> None:
    """A file system that went read-only comes back by the administrator, and what waits goes in then."""
    store._database.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="attempt to write a readonly database"):
        store.write(Batch(matches=[MATCH], events=batch(2).events))
    assert kept(store) == [1, [1], [1], [3]]
    store._database.execute("PRAGMA query_only = OFF")
    store.write(batch(2))

    assert kept(store) == [1, [1, 2], [2], [3, 3]]


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """Be somebody who may only read a folder and what is in it."""
    user = os.geteuid()
    folder.chmod(0o555)
    for file in folder.iterdir():
        file.chmod(0o444)
    try:
        if user == 0:  # who may write whatever its mode is
            os.seteuid(NOBODY)
        yield
    finally:
        if user == 0:
            os.seteuid(user)
        folder.chmod(0o755)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others may enter; above that of a test nobody else may."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@posix_only
def test_who_may_only_read_a_store_may_ask_it(public: Path) -> None:
    """A copy of a backup, or another user's: questions change nothing. What would be changed is refused."""
    with closing(SQLiteStore(public / "game.db")) as store:
        store.write(batch())
    with somebody_else(public), closing(SQLiteStore(public / "game.db", create=False)) as store:
        assert kept(store) == [1, [1], [1], [3]]
        with pytest.raises(StoreUnavailable, match="attempt to write a readonly database"):
            store.write(batch(2))

    assert [file.name for file in public.iterdir()] == ["game.db"]


@posix_only
def test_who_may_only_read_a_store_sees_the_newest_of_one_in_use(public: Path) -> None:
    """It is in a log beside the file. Where that cannot be read, as after `kill -9`, an old answer would be wrong."""
    with closing(SQLiteStore(public / "game.db")) as store:
        store.write(batch())
        with somebody_else(public), closing(SQLiteStore(public / "game.db", create=False)) as reader:
            assert kept(reader) == [1, [1], [1], [3]]
        (public / "killed").mkdir()
        for name in ("game.db", "game.db-wal"):
            shutil.copy(public / name, public / "killed" / name)
    with (
        somebody_else(public / "killed"),
        pytest.raises(StoreError, match=r"may only be read, and the newest of it is in .*game\.db-wal: copy both"),
    ):
        SQLiteStore(public / "killed" / "game.db", create=False)


def test_a_batch_that_finds_no_room_is_not_there_in_part(store: SQLiteStore) -> None:
    """It goes in when there is room again, once."""
    [pages] = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreUnavailable, match="database or disk is full"):
        store.write(batch(2, 1000))
    assert kept(store) == [1, [1], [1], [3]]
    store._database.execute(f"PRAGMA max_page_count = {pages + 1000}")
    for _ in range(2):
        store.write(batch(2, 1000))

    assert kept(store) == [1, [1, 2], [2], [3, 1000]]


@posix_only
def test_a_file_that_was_moved_away_is_not_written_on(store: SQLiteStore, path: Path) -> None:
    """The system would let us, and all would be gone with the last who has it open."""
    elsewhere = path.with_name("elsewhere.db")
    path.rename(elsewhere)
    with pytest.raises(StoreUnavailable, match="was deleted or moved while it was in use"):
        store.write(batch(2))
    path.write_bytes(b"another")
    with pytest.raises(StoreUnavailable, match="put it back"):
        store.write(batch(2))
    elsewhere.replace(path)
    store.write(batch(2))

    assert kept(store) == [1, [1, 2], [2], [3, 3]]


def test_people_can_ask_by_the_sqlite3_shell(store: SQLiteStore, path: Path) -> None:
    """Documents are JSON, and each entity has a row in a view."""
    with closing(sqlite3.connect(path)) as shell:
        gold = "SELECT sum(json_extract(components, '$.Gold.amount')) FROM entities WHERE tick = 1"
        owners = "SELECT DISTINCT json_extract(owner, '$.name') FROM entities"

        assert shell.execute(gold).fetchone() == (3,)
        assert shell.execute(owners).fetchall() == [("anna",)]


def test_what_was_deleted_is_not_to_be_found_in_the_file(store: SQLiteStore, path: Path) -> None:
    """SQLite leaves deleted rows where they are, unless told otherwise."""
    zoe = Save(name=SaveName("knight", "account/zoe"), revision=1, time=0.0, player="Zoe the Third")
    store.write(Batch(saves=[zoe]))
    store.forget("account/zoe")
    store.close()
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())

    assert b"Anna" in content
    assert b"zoe" not in content
    assert b"Zoe" not in content


def test_the_file_becomes_smaller_when_a_match_is_removed(store: SQLiteStore, path: Path) -> None:
    """A disk is not full of matches that are gone."""
    store.write(batch(2, 5000))
    store.close()
    full = path.stat().st_size
    with closing(SQLiteStore(path)) as again:
        again.remove_match(MATCH.id)

    assert path.stat().st_size < full / 4


WRITER = """
import resource, sys
from pathlib import Path
from typing import Any
from ecsnet.errors import StoreUnavailable
from ecsnet.storage.sqlitestore import SQLiteStore
from tests.storage.test_sqlitestore import batch
store = SQLiteStore(Path(sys.argv[1]))
room = int(sys.argv[2])
for number in range(2, 10_000):
    if number == 3 and room:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            store.write(batch(number, 5000))
        except StoreUnavailable:
            print("unavailable", flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    store.write(batch(number, 300))
    print(number, flush=True)
"""


def start_writer(path: Path, room: int = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(path), str(room)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@posix_only
@pytest.mark.process
@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_batches_and_all_it_told_of(path: Path) -> None:
    """What is acknowledged is there, once; what is not is there whole or not at all."""
    for life in range(2):
        path.unlink()
        SQLiteStore(path).close()
        with start_writer(path) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(2 + 9 * life)]
            writer.kill()
            told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        with closing(SQLiteStore(path)) as store:
            there = kept(store)

        assert there in (of_all(told), of_all([*told, told[-1] + 1]))


def of_all(numbers: list[int]) -> list[object]:
    """Return what is kept when all these batches are."""
    return [1, numbers, [numbers[-1]], [300] * len(numbers)]


@posix_only
@pytest.mark.process
@pytest.mark.slow
def test_a_full_disk_is_survived(path: Path) -> None:
    """The system refuses to let the files grow, and then does not."""
    with start_writer(path, room=400_000) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline().strip() for _ in range(4)]
        writer.kill()

    assert lines == ["2", "unavailable", "3", "4"]
    with closing(SQLiteStore(path)) as store:
        matches, numbers, [revision], counts = kept(store)
    assert (matches, numbers[:4], counts[:4]) == (1, [1, 2, 3, 4], [3, 300, 300, 300])
    assert revision == numbers[-1] == len(counts)


def test_a_file_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    """SQLite undoes what was not finished when it first looks into the file, which until then seems to be another's."""
    half, path = tmp_path / "half.db", tmp_path / "game.db"
    with closing(sqlite3.connect(half, isolation_level=None)) as maker:
        maker.execute("PRAGMA cache_size = 1")
        maker.execute("BEGIN")
        maker.execute("CREATE TABLE matches (id TEXT)")
        maker.execute("INSERT INTO matches VALUES (zeroblob(100000))")
        for suffix in ("", "-journal"):  # as they are when the power goes
            path.with_name(path.name + suffix).write_bytes(half.with_name(half.name + suffix).read_bytes())
    assert path.stat().st_size > 0
    with closing(SQLiteStore(path)) as store:
        store.write(batch())

        assert kept(store) == [1, [1], [1], [3]]


def test_a_removal_that_was_cut_short_leaves_nothing_by_halves(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on the next time: the match is there until all of it is gone."""
    happened = [replace(batch().events[0], number=number) for number in range(2, 450)]
    store.write(replace(batch(2, 1000), events=happened))
    change, steps = SQLiteStore._change, list[str]()

    def fail(self: SQLiteStore, statement: str, values: Sequence[object]) -> int:
        steps.append(statement)
        if len(steps) == 4:
            raise StoreUnavailable("the power went")
        return change(self, statement, values)

    monkeypatch.setattr(SQLiteStore, "_change", fail)
    with pytest.raises(StoreUnavailable):
        store.remove_match(MATCH.id)
    assert kept(store) == [1, list(range(201, 450)), [2], []]
    store.remove_match(MATCH.id)

    assert kept(store) == [0, [], [2], []]
    assert store._database.execute("SELECT count(*) FROM parts").fetchone() == (0,)
