"""The command `ecsnet replay`, and the option by which servers record what it shows."""

import functools
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ecsnet import game as games
from ecsnet.clock import MonotonicClock
from ecsnet.components.player import Player
from ecsnet.errors import RecordingError, SchemaError
from ecsnet.frontend import find_frontend, missing_display
from ecsnet.game import Game
from ecsnet.gameoptions import load_game
from ecsnet.quoting import printable
from ecsnet.recording.deck import SPEEDS, Deck
from ecsnet.recording.export import documents
from ecsnet.recording.folder import Recordings
from ecsnet.recording.playback import Playback
from ecsnet.recording.reader import Recording, clock_text
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.replication.schema import Schema
from ecsnet.reports import LiveLine
from ecsnet.runtime import RunningServer
from ecsnet.stopsignals import stop_signals

__all__ = ["record_option", "recorded", "replay"]


NO_RECORDING = "off"


def to_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """Refuse a folder in one that is not there: it is a slip more often than a wish."""
    if value is None or str(value) == NO_RECORDING:
        return None
    if not value.parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}", ctx, param)
    return value


record_option = click.option(
    "--record",
    "record_folder",
    type=click.Path(file_okay=False, path_type=Path),
    callback=to_folder,
    help="Record what is played, a file for each room, in FOLDER; see `ecsnet replay`.",
    metavar="FOLDER|off",
)


@contextmanager
def recorded(server: RunningServer, folder: Path | None) -> Iterator[None]:
    """Record a server in a folder, if there is one, until the block ends."""
    if folder is None:
        yield
        return
    with Recordings(folder) as recordings:
        server.record(recordings.begin)
        yield


def to_seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read "90", "1:30" or "1:01:30.5"."""
    if value is None:
        return None
    try:
        parts = [float(part) for part in value.split(":")]
    except ValueError:
        parts = [math.nan]
    if not all(0 <= part < math.inf for part in parts) or any(part >= 60 for part in parts[1:]):  # noqa: PLR2004
        raise click.BadParameter(f"{value!r} is no time; write 90, 1:30 or 1:01:30", ctx, param)
    return functools.reduce(lambda seconds, part: 60 * seconds + part, parts)


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--game", "game_path", help="The game that was recorded.  [default: the sample of its name]")
@click.option("--follow", default="", show_default=False, metavar="NAME", help="Show this player as your own.")
@click.option("--speed", type=click.Choice([f"{speed:g}" for speed in SPEEDS]), default="1", help="To begin with.")
@click.option("--from", "since", callback=to_seconds, default="0:00", metavar="TIME", help="Begin at this time.")
@click.option("--to", "until", callback=to_seconds, metavar="TIME", help="With --export: end at this time.")
@click.option("--headless", is_flag=True, help="Show a line of text instead of the window.")
@click.option("--check", is_flag=True, help="Rebuild all of it and compare with what the server had, second by second.")
@click.option("--quiet", "-q", is_flag=True, help="With --check: print the result only.")
@click.option("--export", "target", metavar="FILE", help="Write a line of JSON for each state and event; -: to stdout.")
@click.option("--info", is_flag=True, help="Say what the file is.")
def replay(
    path: Path,
    *,
    game_path: str | None,
    follow: str,
    speed: str,
    since: float,
    until: float | None,
    headless: bool,
    check: bool,
    quiet: bool,
    target: str | None,
    info: bool,
) -> None:
    """Show a recorded match in the game's own window.

    Space: pause. Left, right: 5 seconds. Home, end. Up, down: speed, 1/4 to 16x. Or the mouse.
    """
    asked = check + info + (target is not None)
    if asked > 1:
        raise click.UsageError("--check, --export and --info are three things: ask for one")
    if (quiet and not check) or (until is not None and target is None) or (follow and asked):
        raise click.UsageError("-q goes with --check, --to with --export, and --follow with none of these")
    if until is not None and until < since:
        raise click.UsageError(f"--to {clock_text(until)} is before --from {clock_text(since)}")
    if target is not None and Path(target).exists() and path.samefile(target):
        raise click.ClickException(f"{target} is the recording itself: name another file to export to")
    recording = Recording.open(path)
    if info:
        tell(recording)
        return
    game = begun(recording, game_path, since)
    if check:
        compare(recording, Schema(game), quiet=quiet)
    elif target is not None:
        export(recording, Schema(game), target, since, until)
    else:
        check_player(recording, Schema(game), follow)
        deck = Deck(recording.seconds, position_seconds=since, speed=float(speed))
        watch(Playback(recording, game, follow=follow, deck=deck), headless=headless)


def begun(recording: Recording, path: str | None, since: float) -> Game:
    """Say what is wrong with a file, and return its game."""
    if since > recording.seconds:
        raise click.UsageError(f"nothing is there: {recording.name} ends at {clock_text(recording.seconds)}")
    for fault in recording.faults():
        click.echo(f"{recording.name}: {fault}", err=True)
    return game_of(recording, path)


def check_player(recording: Recording, schema: Schema, name: str) -> None:
    """Refuse to follow who was never there."""
    rebuilt = Rebuilt(recording, schema)
    there = rebuilt.players() if name else []
    if name and name not in there and not rebuilt.has_player(name):
        names = printable(", ".join(there)) or "no players"
        raise click.ClickException(f"there is no {printable(name)}: there are {names}")


def game_of(recording: Recording, path: str | None) -> Game:
    """Return the game that was recorded. A file names none but the samples: it may come from anybody.

    Raises:
        RecordingError: It has to be named.
    """
    if path is not None:
        return load_game(click.get_current_context(), click.Option(["--game"]), path)
    name = printable(recording.header.game)
    try:
        return games.load(f"ecsnet.samples.{name}.game")
    except SchemaError as error:
        told = f"{recording.name} shows {name}; say where that is: --game mygame.game"
        raise RecordingError(told) from error


def tell(recording: Recording) -> None:
    """Print what a file is."""
    header, seconds = recording.header, recording.seconds
    began = datetime.fromtimestamp(header.started, UTC).astimezone()
    megabytes = recording.size_bytes / 1e6
    rate = f", {recording.size_bytes / 1000 / seconds:.2f} kB/s" if seconds else ""
    rows = [
        ("game", f"{header.game} {header.version}".strip()),
        ("room", header.room),
        ("began", f"{began:%Y-%m-%d %H:%M:%S %z}"),
        ("length", f"{clock_text(seconds)} ({header.tick_rate_hz:g} ticks, {header.send_rate_hz:g} states a second)"),
        ("size", f"{megabytes:.3f} MB{rate}"),
        ("schema", header.schema),
        ("ended", recording.ending or ("when the server closed" if recording.ending is not None else "")),
        *(("fault", fault) for fault in recording.faults()),
    ]
    for name, value in rows:
        if value:
            click.echo(f"{name:<8}{printable(value)}")  # a file may come from anybody


def compare(recording: Recording, schema: Schema, *, quiet: bool) -> None:
    """Print whether what was rebuilt is what the server had; fail if not, or if a part of it is lost."""
    line, clock, differing, count = LiveLine(sys.stderr), MonotonicClock(), 0, 0
    for count, (seconds, is_same) in enumerate(Rebuilt(recording, schema).check(), 1):  # noqa: B007  # counted below
        differing += not is_same
        if not quiet:
            click.echo(f"{clock_text(seconds)} hash {'ok' if is_same else 'DIFFERS'}")
        elif sys.stderr.isatty():
            line.show(f"{clock_text(seconds)} of {clock_text(recording.seconds)}", clock.now())
    line.end()
    if not count:
        raise click.ClickException(f"{recording.name} holds nothing to compare: it is shorter than a second")
    lost = max(1, round(recording.lost_seconds)) if recording.is_damaged else 0
    if differing:
        raise click.ClickException(f"{differing} of {count + lost} seconds DIFFER from what the server had")
    told = f"{count} of {count + lost} seconds are what the server had"
    if recording.is_damaged:
        raise click.ClickException(f"{told}: the file is damaged")
    click.echo(told + "; it ends early" * (recording.ending is None))


def export(recording: Recording, schema: Schema, target: str, since: float, until: float | None) -> None:
    """Write lines of JSON; tell on a terminal how far it is."""
    line, clock = LiveLine(sys.stderr), MonotonicClock()
    try:
        with click.open_file(target, "w", encoding="utf-8") as file:
            for seconds, document in documents(recording, schema, since_seconds=since, until_seconds=until):
                file.write(json.dumps(document) + "\n")
                if target != "-" and sys.stderr.isatty():
                    line.show(f"{clock_text(seconds)} of {clock_text(until or recording.seconds)}", clock.now())
    except BrokenPipeError:  # as with `| head`: click ends it quietly
        raise
    except OSError as error:
        raise RecordingError(f"cannot write {target}: {error.strerror}") from error
    line.end()


def watch(playback: Playback, *, headless: bool) -> None:
    """Show it in the game's window, or where there is none as a line of text."""
    game = playback.game
    why = "" if headless else missing_display() if game.window is not None else f"{game.name} has no window"
    if headless or why:
        if why:
            click.echo(f"{why}: this is a line of text; Ctrl-C ends it", err=True)
        follow_in_text(playback)
        return
    show = find_frontend(game)
    from ecsnet.recording.window import controlled  # noqa: PLC0415  # needs pygame, which the game has by now

    with controlled(playback.deck):
        show(playback)


def follow_in_text(playback: Playback) -> None:
    """Print how it stands, to the end of the recording."""
    line, clock = LiveLine(sys.stdout), MonotonicClock()
    with stop_signals() as stopped:
        while not stopped():
            playback.update()
            line.show(described(playback), clock.now())
            if playback.deck.is_at_end:
                break
            playback.path.wait(1.0 / playback.game.send_rate_hz)
    line.show(described(playback), math.inf)
    line.end()


def described(playback: Playback) -> str:
    """Return the time, the players and the score."""
    deck, game, world = playback.deck, playback.game, playback.world
    score = {} if game.summary is None else game.summary(world)
    times = f"{clock_text(deck.position_seconds)} / {clock_text(deck.length_seconds)}"
    parts = [f"{game.name}  {times}", f"players {len(world.observe(Player))}"]
    if playback.follow:
        is_there = any(player.name == playback.follow for _, player in world.observe(Player))
        parts.append(f"{printable(playback.follow)} {'is there' if is_there else 'is not there'}")
    return "   ".join([*parts, *(f"{name} {value}" for name, value in score.items())])
