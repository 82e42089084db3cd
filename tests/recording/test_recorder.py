"""A recorder never waits, and what it wrote can be read, whatever becomes of the disk."""

import errno
import logging
from pathlib import Path

import pytest

from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.errors import LocalProtocolError, RecordingError
from ecsnet.recording import folder as folders
from ecsnet.recording import recorder as recorders
from ecsnet.recording.folder import Recordings
from ecsnet.recording.format import find_blocks, unpack_header
from ecsnet.recording.reader import Recording
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.room import Room
from ecsnet.server import Server
from ecsnet.systems.pipeline import SERVER
from ecsnet.systems.recording import Record
from ecsnet.testing.simulation import Simulation
from ecsnet.worker import Inline
from tests.recording.film import STARTED, Film, Idle, game


def played(sim: Simulation, film: Film) -> int:
    """Return how many states a film holds; all of them are right."""
    rebuilt = Rebuilt(film.develop(), sim.server.schema)
    for moment in rebuilt.run():
        assert moment.check in (None, rebuilt.fingerprint())
    return sum(1 for _ in film.develop().moments())


def test_where_the_disk_does_not_keep_up_the_recording_ends_readably_and_the_game_plays_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits for it is bounded."""
    monkeypatch.setattr(recorders, "MAX_WAITING_BYTES", 4000)
    idle, sim = Idle(), Simulation(game, clients=2, seed=1)
    film = Film(idle)
    sim.server.record(film.begin)
    tape = sim.server.room.session.tape
    assert isinstance(tape, recorders.Recorder)
    seconds = 0
    while not tape.is_over and seconds < 60:
        sim.run(1)
        seconds += 1

    assert 5 < seconds < 60
    assert "the recording film ends here: the disk does not keep up: 4300 B wait for it" in caplog.text
    assert tape._waiting_bytes < 4400  # with the words of the end
    assert film.data == b""
    sim.run(1)
    for _ in range(2):  # the disk comes back: what it was given first, then all that waited
        idle.work()
        sim.run(0.2)
    assert film.is_closed
    assert tape.is_written
    assert played(sim, film) == seconds * 10
    assert film.develop().ending == "the disk does not keep up: 4300 B wait for it"


class Full(Film):
    """A disk with room for so much."""

    def __init__(self, room_bytes: int) -> None:
        super().__init__()
        self.room_bytes = room_bytes

    def write(self, data: bytes) -> int:
        if len(self.data) >= self.room_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[: self.room_bytes - len(self.data)])


def test_a_full_disk_ends_the_recording_and_not_the_game(caplog: pytest.LogCaptureFixture) -> None:
    """What is there plays up to its last whole block."""
    sim, film = Simulation(game, clients=2, seed=1), Full(2500)
    sim.server.record(film.begin)
    sim.run(20)
    sim.server.close(now=sim.now)

    assert film.is_closed
    assert "the recording film ends here: [Errno 28] No space left on device" in caplog.text
    assert 20 < played(sim, film) < 200
    assert film.develop().ending is None
    assert sim.server.peers


def test_a_second_of_much_is_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is packed at once, and what a crash costs, has a bound."""
    monkeypatch.setattr(recorders, "MAX_BLOCK_BYTES", 150)
    sim, film = Simulation(game, clients=4, seed=1), Film()
    sim.server.record(film.begin)
    sim.run(5)
    sim.server.close(now=sim.now)
    blocks = list(find_blocks(bytes(film.data), unpack_header(bytes(film.data))[1]))

    assert len(blocks) > 10
    assert played(sim, film) == 50


def test_the_end_of_a_program_waits_for_the_disk_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """It may hang."""
    idle, sim = Idle(), Simulation(game, clients=1, seed=1)
    film = Film(idle)
    sim.server.record(film.begin)
    sim.run(3)
    tape = sim.server.room.session.tape
    assert isinstance(tape, recorders.Recorder)
    tape.end()

    assert not tape.finish(0.001)
    assert "the recording film was not written to its end: the disk does not answer" in caplog.text
    idle.work()
    tape.go_on()
    idle.work()
    assert tape.finish(0.001)
    assert played(sim, film) == 30


def test_a_pipeline_that_records_nothing_says_so_at_once() -> None:
    """An empty file would be found when it is too late."""
    server = Server(game, pipeline=tuple(step for step in SERVER if step is not Record))

    with pytest.raises(LocalProtocolError, match="lacks the step Record"):
        server.record(Film().begin)


# Folders.


def recordings(folder: Path) -> Recordings:
    return Recordings(folder, worker=Inline(), time=lambda: STARTED)


def run_recorded(folder: Path, seconds: float = 2.0) -> Simulation:
    sim = Simulation(game, clients=1, seed=1)
    with recordings(folder) as begun:
        sim.server.record(begun.begin)
        sim.run(seconds)
    return sim


def test_files_are_named_with_time_and_game_and_none_is_written_over(tmp_path: Path) -> None:
    """Two servers may begin in the same second."""
    for _ in range(2):
        run_recorded(tmp_path / "deep" / "down")
    names = sorted(path.name for path in (tmp_path / "deep" / "down").iterdir())

    first = Recording.open(tmp_path / "deep" / "down" / names[1])
    assert [name[15:] for name in names] == ["-yard-2.ecsrec", "-yard.ecsrec"]
    assert names[0][:8].isdigit()
    assert first.header.started == STARTED
    assert first.ending == ""


def test_a_program_that_fails_says_so_in_its_recordings(tmp_path: Path) -> None:
    """Whoever looks at them wants to know why they end."""
    sim = Simulation(game, clients=1, seed=1)
    begun = recordings(tmp_path)
    sim.server.record(begun.begin)
    sim.run(1)
    with pytest.raises(ZeroDivisionError), begun:
        raise ZeroDivisionError("a bug")
    [path] = tmp_path.iterdir()

    assert Recording.open(path).ending == "the program failed: ZeroDivisionError('a bug')"


def test_a_folder_that_cannot_be_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one with too many recordings of one second."""
    (tmp_path / "file").write_text("here")
    with pytest.raises(RecordingError, match=r"cannot record in the folder .*file"):
        recordings(tmp_path / "file")
    monkeypatch.setattr(folders, "MAX_SAME_NAMES", 3)
    for _ in range(3):
        run_recorded(tmp_path / "many", 0.1)
    with pytest.raises(RecordingError, match=r"there are 3 recordings .*-yard in .*many already"):
        run_recorded(tmp_path / "many", 0.1)


def test_a_room_that_cannot_be_recorded_is_opened_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    """The players are not to blame for the disk."""
    caplog.set_level(logging.INFO)
    server = Server(game, config=ServerConfig(rooms=RoomConfig()))

    def begin(room: Room, code: str) -> recorders.Recorder:
        raise RecordingError(f"no place for {code}")

    server.record(begin)
    code = server.rooms.open("here")

    assert f"room {code} is not recorded: no place for {code}" in caplog.text
    assert code in server.rooms.by_code
