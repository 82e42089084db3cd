"""The command `ecsnet data heatmap`: where players stand, in the terminal or as a picture."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ecsnet.asking.heatshades import CELL_CHARACTERS, shade_lines
from ecsnet.asking.options import output_options, store_option
from ecsnet.asking.output import Output, refuse_database
from ecsnet.asking.rows import Columns
from ecsnet.errors import EcsnetError
from ecsnet.quoting import counted, printable
from ecsnet.screen import size
from ecsnet.storage.heatmap import Bounds, HeatMap, positions_in
from ecsnet.storage.questions import LAST, find_match
from ecsnet.storage.store import Match, Snapshot, Store

__all__ = ["heatmap"]

PICTURE = ".png"
OTHER_PICTURES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".pdf", ".svg", ".tga", ".tif", ".tiff", ".webp"))
PLAIN_COLUMNS, PLAIN_ROWS = 80, 60  # characters of a map that goes into a pipe or a file
AROUND = 6  # lines of a terminal that the map itself does not get
CELLS = Columns(("x", "y", "cell", "count"), ())


class BoundsType(click.ParamType):  # type: ignore[type-arg]  # older versions of click have it without
    """A part of the plane: x0,y0,x1,y1."""

    name = "X0,Y0,X1,Y1"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Bounds:
        """Read four numbers, the smaller ones first."""
        try:
            left, top, right, bottom = (float(number) for number in str(value).split(","))
        except ValueError:
            left, top, right, bottom = (math.nan,) * 4
        if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
            self.fail(f"{value!r} is no rectangle: write left,top,right,bottom, such as 0,0,960,640", param, ctx)
        return Bounds(left, top, right, bottom)


@click.command()
@click.argument("match_texts", nargs=-1, metavar="[MATCH]...")
@click.option("--all", "of_all", is_flag=True, help="Of all matches.")
@click.option("--component", default="Transform2D", help="Which component says where something is.")
@click.option("--x", default="x", help="Its field to the right.")
@click.option("--y", default="y", help="Its field downward.")
@click.option("--having", default="Player", help="Only entities that have this component; an empty text: all.")
@click.option("--player", metavar="NAME", help="Of this player: a name, or an owner such as account/anna.")
@click.option("--cell", type=click.FloatRange(min=1 / 1024), help="World units a cell.  [default: what looks well]")
@click.option("--bounds", type=BoundsType(), help="Only this part of the world.  [default: where anybody was]")
@store_option
@output_options
def heatmap(
    match_texts: tuple[str, ...],
    *,
    of_all: bool,
    component: str,
    x: str,
    y: str,
    having: str,
    player: str | None,
    cell: float | None,
    bounds: Bounds | None,
    store: Store,
    output: Output,
) -> None:
    """Show where players stood in one MATCH or several: how often in which part of the world.

    `-o PICTURE.png` draws it; any other file gets the text. Each snapshot counts once, so --snapshot-seconds of the
    server says how much is known. Who was lost then is left out.
    """
    if of_all and match_texts:
        raise click.UsageError("--all, or some matches: not both")
    check_ending(output)
    matches = store.matches() if of_all else [find_match(store, text) for text in match_texts or (LAST,)]
    heat = HeatMap(cell, bounds)
    snapshots = output.progress.over(snapshots_of(store, matches), "snapshots")
    names = () if player is None else {player}
    for across, down in positions_in(snapshots, component=component, x=x, y=y, having=having, names=names):
        heat.add(across, down)
    if not heat.counted:
        which = f" of entities with {having}" * bool(having) + " within --bounds" * bool(heat.outside)
        raise EcsnetError(f"no snapshot of {named(matches)} has {component}.{x} and {component}.{y}{which}")
    show(heat, matches, output)


def check_ending(output: Output) -> None:
    """Refuse a file whose ending says something else than what would be in it."""
    ending = "" if output.path is None else output.path.suffix.lower()
    if ending in OTHER_PICTURES:
        raise click.UsageError(f"{output.path}: a picture is written as {PICTURE}, and text as .txt")
    if ending == PICTURE and not output.is_table:
        raise click.UsageError(f"{output.path} would be a picture, and --json and --csv are text: one of them")


def snapshots_of(store: Store, matches: Sequence[Match]) -> Iterator[Snapshot]:
    """Return the snapshots of several matches."""
    for match in matches:
        yield from store.snapshots(match.id)


def named(matches: Sequence[Match]) -> str:
    """Return which matches it is about."""
    return printable(matches[0].id) if len(matches) == 1 else f"{len(matches)} matches"


def show(heat: HeatMap, matches: Sequence[Match], output: Output) -> None:
    """Print the map in the way that was asked for."""
    outside = f", {heat.outside:,} outside" * bool(heat.outside)
    title = f"{named(matches)}: {counted(heat.counted, 'position', 'positions')}{outside}"
    columns = heat.fitting_columns()
    if output.path is not None and output.path.suffix.lower() == PICTURE:
        heat.fit(columns, columns)
        draw(heat, f"{title}, cells of {heat.cell:g}", output.path)
    elif output.is_table:
        width, height = size() if output.width else (PLAIN_COLUMNS, PLAIN_ROWS)
        heat.fit(min(columns, (width - 2) // CELL_CHARACTERS), height - AROUND)
        output.lines([f"{title}, cells of {heat.cell:g}", *shade_lines(heat)])
    else:
        heat.fit(columns, columns)
        output.rows(({"x": x, "y": y, "cell": heat.cell, "count": count} for x, y, count in heat.cells()), CELLS)


def draw(heat: HeatMap, title: str, path: Path) -> None:
    """Draw a picture.

    Raises:
        EcsnetError: There is nothing to draw with, or the file cannot be written.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # standard output is for answers
    try:
        from ecsnet.asking.heatpicture import draw_picture  # noqa: PLC0415  # needs pygame, which is an extra
    except ModuleNotFoundError as error:
        raise EcsnetError(f'{path}: a picture needs {error.name}: pip install "ecsnet[pygame]"') from error
    refuse_database(path)
    draw_picture(heat, title, path)
