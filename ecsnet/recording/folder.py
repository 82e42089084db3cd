"""A folder of recordings: one file for each room of a server, named with the time and the game."""

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ecsnet.clock import unix_time
from ecsnet.errors import RecordingError
from ecsnet.recording.format import Header
from ecsnet.recording.recorder import Recorder
from ecsnet.room import Room
from ecsnet.worker import Worker

__all__ = ["SUFFIX", "Recordings", "header_of"]

SUFFIX = ".ecsrec"
MAX_SAME_NAMES = 100  # of recordings that began in the same second
CLOSING_SECONDS = 5.0  # for the disk, at the end of the program

logger = logging.getLogger(__name__)


class Recordings:
    """Begins recordings, `server.record(recordings.begin)`, and closes them at the end: use it in a `with` block."""

    def __init__(self, folder: Path, *, worker: Worker | None = None, time: Callable[[], float] = unix_time) -> None:
        """Make the folder if need be.

        Args:
            worker: Writes; None: a thread for all of them.
            time: Returns the seconds since 1970.

        Raises:
            RecordingError: There can be no such folder.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"cannot record in the folder {folder}: {error.strerror}") from error
        self._folder = folder
        self._worker = worker or ThreadPoolExecutor(max_workers=1, thread_name_prefix="recordings")
        self._time = time
        self._recorders: list[Recorder] = []

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Close it."""
        self.close("" if error is None else f"the program failed: {error!r}")

    def begin(self, room: Room, code: str) -> Recorder:
        """Begin to record a room.

        Args:
            code: Of the room, or nothing where there is but one.

        Raises:
            RecordingError: The file cannot be made.
        """
        header = header_of(room, code, self._time())
        path, file = self._create(_name(header))
        for each in self._recorders:  # of rooms that closed while the disk was slow
            each.go_on()
        self._recorders = [each for each in self._recorders if not each.is_written]
        recorder = Recorder(file, header, worker=self._worker, name=str(path))
        self._recorders.append(recorder)
        logger.info("recording to %s", path)
        return recorder

    def close(self, text: str = "") -> None:
        """End all recordings and wait, not for ever, until they are written."""
        for recorder in self._recorders:
            recorder.end(text)
        all(recorder.finish(CLOSING_SECONDS) for recorder in self._recorders)  # if the disk hangs, it does for all
        self._recorders.clear()

    def _create(self, name: str) -> tuple[Path, BinaryIO]:
        for number in range(1, MAX_SAME_NAMES + 1):
            path = self._folder / f"{name}{f'-{number}' if number > 1 else ''}{SUFFIX}"
            try:
                return path, path.open("xb", buffering=0)
            except FileExistsError:
                continue
            except OSError as error:
                raise RecordingError(f"cannot record to {path}: {error.strerror}") from error
        raise RecordingError(f"there are {MAX_SAME_NAMES} recordings {name} in {self._folder} already")


def header_of(room: Room, code: str, started: float) -> Header:
    """Return what a recording of a room that begins now says of itself."""
    game, schema = room.game, room.schema
    return Header(
        game=game.name,
        version=game.version,
        room=code,
        schema=schema.hash.hex(),
        description=tuple(schema.describe()),
        tick_rate_hz=game.tick_rate_hz,
        send_rate_hz=game.send_rate_hz,
        start_tick=room.world.tick,
        started=started,
    )


def _name(header: Header) -> str:
    """Return e.g. "20261130-180000-soccer-KLMN", of letters that every file system takes."""
    began = datetime.fromtimestamp(header.started, UTC).astimezone()
    words = [f"{began:%Y%m%d-%H%M%S}", re.sub(r"\W+", "_", header.game), header.room]
    return "-".join(filter(None, words))
